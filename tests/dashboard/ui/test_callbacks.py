"""Explanations as Dash's background callbacks: start, progress, result, cancel, and bad input."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from Dashboard.app import create_app
from Dashboard.config import Config
from Dashboard.explain.jobs import engine
from Dashboard.explain.jobs.engine import Jobs, UnknownJob
from Dashboard.explain.jobs.shares import MOST_OF_ONE
from tests.dashboard.calling import Page, asking
from tests.dashboard.explain.test_jobs import LONG_SECONDS, until
from tests.dashboard.sending import refused

pytestmark = pytest.mark.slow

Encode = Callable[..., bytes]


@pytest.fixture(scope="module")
def client(make_service: Callable[..., Any], jobs: Jobs) -> FlaskClient:
    service = make_service(max_upload_mb=1, max_megapixels=2)
    return create_app(service.config, service, jobs).server.test_client()


@pytest.fixture
def page(client: FlaskClient) -> Page:
    return Page(client)


def finish(page: Page, handles: dict[str, str]) -> dict[str, Any]:
    results: list[dict[str, Any] | None] = []

    def through() -> bool:
        results.append(page.poll(handles)[1])
        return results[-1] is not None

    until(through, LONG_SECONDS)
    assert results[-1] is not None
    return results[-1]


def test_a_callback_starts_a_job_and_gives_what_came_out(page: Page, encode: Encode) -> None:
    handles = page.explain(encode("malignant"), precision="Medium", method="saliency")
    answer = finish(page, handles)
    assert (answer["ticket"], answer["state"], answer["fraction"]) == (1, "done", 1)
    assert answer["facts"]["method"] == "saliency"
    assert page.client.get(f"/explanations/{answer['key']}/picture.png").status_code == 200

    again = finish(page, page.explain(encode("malignant"), precision="Medium", method="saliency"))
    assert (again["ticket"], again["key"]) == (2, answer["key"])  # it was not made once more
    followed = finish(page, page.order(key=answer["key"]))
    assert followed["key"] == answer["key"]


def test_progress_and_cancelling(page: Page, encode: Encode, jobs: Jobs) -> None:
    handles = page.explain(encode("benign"), precision="High", method="saliency", target="bkl")

    def under_way() -> bool:
        state, result = page.poll(handles)
        assert result is None
        return state is not None and state["fraction"] > 0 and state["seconds_left"] > 0

    until(under_way, LONG_SECONDS)
    state, _ = page.poll(handles)
    assert state is not None
    assert state["ticket"] == page.ticket
    other = Page(page.client)
    other.end_id = "forged"
    other.cancel(handles)
    assert jobs.status(state["key"]).state == "running"  # a handle is good for its page alone
    assert other.poll(handles) == (None, None)
    anew = {"ticket": 9, "key": state["key"]}
    handles = page.call(anew, {"oldJob": handles["job"]}).get_json()
    handles = {name: handles[name] for name in ("cacheKey", "job")}
    assert jobs.status(state["key"]).state == "running"  # nor does the page that follows it anew
    page.cancel(handles)
    assert finish(page, handles)["state"] == "cancelled"
    until(lambda: jobs.status(state["key"]).state == "cancelled")


def test_cancelling_one_of_two_stops_following(client: FlaskClient, encode: Encode) -> None:
    one, other = Page(client), Page(client)
    other.ticket = 100
    order = {"precision": "High", "method": "saliency", "target": "akiec"}
    ours = one.explain(encode("benign"), **order)
    theirs = other.explain(encode("benign"), **order)
    until(lambda: (one.poll(ours)[0] or {}).get("fraction", 0) > 0, LONG_SECONDS)
    one.cancel(ours)
    assert "state" not in finish(one, ours)  # Dash hears the end, and asks no longer
    state, result = other.poll(theirs)
    assert (state and state["state"], result) == ("running", None)
    other.cancel(theirs)
    assert finish(other, theirs)["state"] == "cancelled"


def test_a_page_that_is_left_follows_nothing(
    client: FlaskClient, encode: Encode, jobs: Jobs
) -> None:
    left, stays = Page(client), Page(client)
    stays.ticket = 100
    order = {"precision": "High", "method": "saliency", "target": "bcc"}
    left.explain(encode("benign"), **order)
    theirs = stays.explain(encode("benign"), **order)
    until(lambda: (stays.poll(theirs)[0] or {}).get("fraction", 0) > 0, LONG_SECONDS)
    (key,) = (one for one in jobs.of_picture(encode("benign"), by=asking(client))
              if jobs.status(one).order.target == "bcc")  # fmt: skip
    for body in (b"", b"\xff\n..\n1.nothing", f"{'9' * 300}.{key}".encode()):
        assert client.post("/left", data=body).status_code == 204
    assert client.post("/left", data=f"{left.ticket}.{key}").status_code == 204
    assert jobs.status(key).state == "running"
    stays.cancel(theirs)
    assert jobs.status(key).state == "cancelled"


def test_what_cannot_be_done_is_an_answer(page: Page, encode: Encode) -> None:
    failed = finish(page, page.explain(encode("benign"), method="saliency", target="df"))
    assert failed["error"] == "the explanation failed in the worker (RuntimeError)"
    wrong = finish(page, page.explain(encode("benign"), target="plum"))
    assert wrong["error"].startswith("target must be one of akiec, bcc")
    assert wrong["ticket"] == page.ticket
    assert "no checkpoint" in finish(page, page.explain(encode("benign"), model="none"))["error"]
    held = page.stage(encode("benign")).get_json()["picture"]
    assert finish(page, page.order(picture=held))["state"] == "done"
    for order in ({"picture": held}, {"picture": "../x"}, {"key": "x" * 22}, {}):  # taken already
        assert "there is no such explanation" in finish(page, page.order(**order))["error"]


@pytest.mark.parametrize(
    "order",
    [
        None,
        "text",
        {"ticket": -1},
        {"ticket": 2**53},
        {"ticket": 1, "more": 2},
        {"ticket": 1, "options": []},
    ],
)
def test_orders_that_the_page_would_not_give(page: Page, order: object) -> None:
    handles = page.call(order).get_json()
    answer = finish(page, {name: handles[name] for name in ("cacheKey", "job")})
    assert answer == {"ticket": 0, "error": "this is for the dashboard's own pages"}


def test_a_picture_is_held_for_a_moment(
    page: Page, encode: Encode, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(engine, "STAGED_SECONDS", 0.05)
        late = page.stage(encode("benign")).get_json()["picture"]
    time.sleep(0.1)
    with pytest.raises(UnknownJob):
        jobs.claim(late)
    assert "JPEG" in refused(page.stage(b"text"), 415)
    too_large = encode("benign") + bytes(1024 * 1024)
    assert "at most 1,048,576" in refused(page.stage(too_large), 413)
    keys = [page.stage(encode("benign")).get_json()["picture"] for _ in range(MOST_OF_ONE)]
    assert "12 of your explanations are waiting" in refused(page.stage(encode("benign")), 503)
    for key in keys:
        jobs.claim(key)


def test_without_explanations(make_service: Callable[..., Any], encode: Encode) -> None:
    service = make_service(explain="off")
    client = create_app(service.config, service).server.test_client()
    assert "switched off" in refused(Page(client).stage(encode("benign")), 503)


def test_machines_that_share_a_queue_know_each_others_handles() -> None:
    from Dashboard.ui.explain.callbacks import signing_secret

    shared = Config(redis_url="redis://:secret@redis:6379/0")
    assert signing_secret(shared) == signing_secret(shared)
    assert signing_secret(shared) != signing_secret(Config(redis_url="redis://other:6379/0"))
    assert signing_secret(Config()) != signing_secret(Config())


def test_an_app_that_was_made_later_takes_nothing_from_this_one(
    page: Page, encode: Encode, make_service: Callable[..., Any]
) -> None:
    service = make_service()
    create_app(service.config, service)
    handles = page.explain(encode("malignant"), precision="High", method="saliency")
    until(lambda: (page.poll(handles)[0] or {}).get("fraction", 0) > 0, LONG_SECONDS)
    page.cancel(handles)
    until(lambda: (page.poll(handles)[1] or {}).get("state") == "cancelled", LONG_SECONDS)
