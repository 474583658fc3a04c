"""What may be said of what is kept: the same for a page and for the API."""

import pytest

from Dashboard.api.sentences import validated
from Dashboard.store.forms import Words, said


def test_only_what_was_said_is_set() -> None:
    assert said(b'{"note": "seen", "lesion": {"name": "L1"}}') == {
        "note": "seen",
        "lesion": {"name": "L1"},
    }


@pytest.mark.parametrize(
    "body",
    [
        b'{"flag": "yes"}',
        b'{"clinician_verdict": "none"}',
        b'{"lesion": "L1"}',
        b'{"lesion": {"name": "L1", "sex": "x"}}',
        b'{"lesion": {"body_site": "arm"}}',
        b'{"lesoin": null}',
        b"[]",
        b"{",
    ],
)
def test_a_page_refuses_in_the_words_of_the_api(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"must be|no field|not valid JSON") as page:
        said(body)
    with pytest.raises(ValueError, match=r"must be|no field|not valid JSON") as api:
        validated(Words, body)
    assert str(page.value) == str(api.value)
