import base64
from typing import Any

import pytest

from Dashboard.api.inputs import decode_base64
from Dashboard.web.errors import InputError, describe, kind_of

DATA = bytes(range(256))
TEXT = base64.b64encode(DATA).decode()


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        f"data:image/png;base64,{TEXT}",
        f"DATA:image/jpeg;BASE64,{TEXT}",
        f"data:image/png;name=a;base64,{TEXT}",
        f"data:;base64,{TEXT}",
        TEXT.rstrip("="),
        base64.urlsafe_b64encode(DATA).decode(),
        base64.urlsafe_b64encode(DATA).decode().rstrip("="),
        "\n".join(TEXT[i : i + 76] for i in range(0, len(TEXT), 76)) + "\r\n",
    ],
)
def test_base64(text: str) -> None:
    assert decode_base64(text) == DATA


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (TEXT[:-3], "not base64"),
        ("====", "not base64"),
        ("ab*d", "not base64"),
        (TEXT + "=", "not base64"),
        ("bildé", "outside ASCII"),
        (f"data:image/png,{TEXT}", "without ';base64'"),
        ("data:image/png", "no comma"),
        ("https://example.org/a.png", "not base64"),
    ],
)
def test_what_is_not_base64(text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        decode_base64(text)
    assert caught.value.status == 400
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("no", "'no'"),
        ("x" * 100, "'" + "x" * 40 + "'..."),
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (1, "1"),
        (0, "0"),
        (1.5, "1.5"),
        (10**50, "a long number"),
        ({}, "an object"),
        ([1], "an array"),
    ],
)
def test_describe(value: Any, shown: str) -> None:
    assert describe(value) == shown


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (3, "a number"),
        (1.5, "a number"),
        ("text", "a string"),
        ([], "an array"),
        ({}, "an object"),
    ],
)
def test_kinds_are_called_what_json_calls_them(value: Any, kind: str) -> None:
    assert kind_of(value) == kind
