"""A dashboard that listens, a browser that looks at it, and a page that notices what it does."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import dash
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from werkzeug.serving import make_server

from Dashboard.app import create_app
from Dashboard.assess.service import Service
from Dashboard.config import Config
from Dashboard.explain.jobs.engine import Jobs
from Dashboard.ui.elements.examples import example_file
from tests.dashboard.conftest import EXPLAINER

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ENOUGH_MS = 60_000  # for a machine that is busy with other things
expect.set_options(timeout=ENOUGH_MS)
Upload = dict[str, str | bytes]


@dataclass
class Visit:
    """A page with a record of its requests and of what its console said."""

    page: Page
    site: str
    requests: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)

    def open(self, path: str = "/") -> Page:
        self.page.goto(self.site + path)
        self.page.locator("h1:not(.first-paint *)").wait_for()
        return self.page

    def upload(self, *files: Upload) -> None:
        """Choose files on the worklist and wait until the page names each with its answer."""
        self.page.locator("#file-field").set_input_files(list(files))  # type: ignore[arg-type]
        for file in files:
            self.page.get_by_text(str(file["name"])).first.wait_for()


class Whole:
    """An application whose answers are read and closed before they are sent.

    Werkzeug's server leaves the file of an answer open where the browser went on to another page.
    """

    def __init__(self, app: "WSGIApplication") -> None:
        self.app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        answer = self.app(environ, start_response)
        try:
            return [b"".join(answer)]
        finally:
            getattr(answer, "close", lambda: None)()


@contextmanager
def serving(app: dash.Dash) -> Iterator[str]:
    """The address of a dashboard while it runs."""
    server = make_server("127.0.0.1", 0, Whole(app.server), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="session")
def site(
    make_service: Callable[..., Service], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a running dashboard that takes images up to 1 MB and explains by a double."""
    service = make_service(max_upload_mb=1, max_megapixels=2)
    service.warm_up()
    jobs = Jobs(Config(data_dir=tmp_path_factory.mktemp("data")), explainer=EXPLAINER)
    with serving(create_app(service.config, service, jobs)) as address:
        yield address
    jobs.close()
    jobs.store.close()


@pytest.fixture
def new_visit(site: str, browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Makes visits in a browser of their own; keyword arguments are those of its context."""
    contexts: list[BrowserContext] = []

    def make(**options: object) -> Visit:
        contexts.append(browser.new_context(**options))  # type: ignore[arg-type]
        return _visit(contexts[-1], site)

    yield make
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def shared_context(browser: Browser) -> Iterator[BrowserContext]:
    """One browser for most tests: it has to fetch and compile the scripts only once."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


@pytest.fixture
def visit(shared_context: BrowserContext, site: str) -> Iterator[Visit]:
    """A visit that ends with an empty console and not one request to elsewhere."""
    visit = _visit(shared_context, site)
    yield visit
    visit.page.close()
    own = urlsplit(site).netloc
    elsewhere = [
        url
        for url in visit.requests
        if urlsplit(url).scheme not in ("data", "blob") and urlsplit(url).netloc != own
    ]
    assert elsewhere == []
    assert visit.console == []


def _visit(context: BrowserContext, site: str) -> Visit:
    context.set_default_timeout(ENOUGH_MS)
    visit = Visit(context.new_page(), site)
    visit.page.on("request", lambda request: visit.requests.append(request.url))
    visit.page.on("console", lambda message: visit.console.append(message.text))
    visit.page.on("pageerror", lambda error: visit.console.append(str(error)))
    return visit


@pytest.fixture(scope="session")
def files(encode: Callable[..., bytes]) -> Callable[..., Upload]:
    """Makes an upload of `benign`, `malignant`, `blurred` or `pale`, or of given bytes.

    The blurred and the pale one are the drawn examples: each fails one measure alone.
    """

    def make(kind: str, name: str = "", data: bytes | None = None) -> Upload:
        if data is None:
            data = example_file(kind) if kind in ("blurred", "pale") else encode(kind)
        return {"name": name or f"{kind}.png", "mimeType": "image/png", "buffer": data}

    return make
