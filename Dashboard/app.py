"""The application factory: one Flask server with the JSON API and the Dash pages."""

import re
from pathlib import Path
from typing import Any

import dash
import flask
from dash._pages import _path_to_page

from Dashboard.api.docs import add_docs
from Dashboard.api.server import create_server, is_api
from Dashboard.assess.service import Service
from Dashboard.config import Config
from Dashboard.explain.jobs.engine import Jobs
from Dashboard.store.store import Store
from Dashboard.ui.elements.examples import add_examples
from Dashboard.ui.shell.first_paint import first_paint
from Dashboard.web.compression import compress_files
from Dashboard.web.frontend import RequestConfig, guard
from Dashboard.web.headers import add_headers, content_security_policy
from Dashboard.web.packages import Packages, bring_scripts
from Dashboard.web.proxy import BehindProxies

FOLDER = Path(__file__).resolve().parent
TITLE = "Skin lesion dashboard"
MODELS = "/models"
INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
{%metas%}
<title>{%title%}</title>
<link rel="icon" href="{%prefix%}assets/shell/favicon.svg" type="image/svg+xml">
<script src="{%prefix%}assets/shell/scheme.js"></script>
<link rel="stylesheet" href="{%prefix%}assets/shell/base.css">
<link rel="stylesheet" href="{%prefix%}assets/shell/icons.css">
<link rel="stylesheet" href="{%prefix%}assets/shell/shell.css">
<link rel="stylesheet" href="{%prefix%}assets/shell/tones.css">
{%css%}
</head>
<body>
<p class="unfit framed">This page needs JavaScript and one of these browsers or a later one:
Chrome 123, Edge 123, Firefox 121 or Safari 17.5.</p>
{%first%}
{%app_entry%}
{%config%}
{%scripts%}
{%renderer%}
</body>
</html>
"""


class Pages(Packages):
    """Dash, its links beginning with what the request's path began with (`SCRIPT_NAME`)."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        # Dash's modules hold this very object: it cannot be replaced by another.
        object.__setattr__(self.config, "__class__", RequestConfig)

    def interpolate_index(self, *parts: str, **named: str) -> str:
        """The page around all pages."""
        page: str = super().interpolate_index(*parts, **named)  # type: ignore[no-untyped-call]
        page = page.replace("{%first%}", first_paint(flask.request.path))
        return page.replace("{%prefix%}", self.config.requests_pathname_prefix)


def create_app(
    config: Config | None = None,
    service: Service | None = None,
    jobs: Jobs | None = None,
    store: Store | None = None,
) -> dash.Dash:
    """The dashboard; its `server` attribute is the WSGI application.

    Pages find the service, the settings, the jobs and the store in `flask.current_app.extensions`,
    under `service`, `config`, `jobs` and `store`. No model is loaded here: `service.warm_up()` does
    it, after the fork.

    config: None: from the environment.
    service, jobs, store: None: made from `config`.

    Raises:
        ValueError: an environment variable holds something else than it may.
    """
    from Dashboard.ui.cases import callbacks as cases
    from Dashboard.ui.explain import panel as explain
    from Dashboard.ui.shell import shell
    from Dashboard.ui.similar import section as similar

    config = config or Config.from_env()
    service = service or Service(config)
    server = create_server(config, service, jobs, store)
    add_docs(server)
    add_examples(server)
    app = Pages(
        "Dashboard",
        server=server,
        use_pages=True,
        pages_folder=str(FOLDER / "ui"),
        assets_folder=str(FOLDER / "assets"),
        # Dash adds the folders by their names; the index names what comes before all of them.
        assets_path_ignore=[r"^shell$"],
        serve_locally=True,
        title=TITLE,
        update_title="",
        index_string=INDEX,
        add_log_handler=False,
        # A page has its parts only while it is shown.
        suppress_callback_exceptions=True,
    )
    shell.install(app)
    cases.install(app)
    explain.install(app)
    similar.install(app)
    compress_files(server)
    bring_scripts(app)  # after it: what is added last is done first
    _show_pages_to_browsers(app)
    server.after_request(_unknown_pages_are_not_found)
    # Dash finishes its set-up at the first request, without a lock; doing it here lets workers
    # share it and lets the policy name the hash of every inline script.
    with server.test_request_context("/"):
        server.preprocess_request()
    guard(app)
    add_headers(server, content_security_policy(app))
    _check_base_path(server, config.base_path)
    proxies = BehindProxies(server.wsgi_app, config.base_path, config.trusted_proxies)
    server.wsgi_app = proxies  # type: ignore[method-assign]  # as Flask says to
    return app


def _show_pages_to_browsers(app: dash.Dash) -> None:
    """Answer with the page where a browser asks for HTML at an address that the API has, too."""
    server: flask.Flask = app.server

    def page() -> dict[str, Any] | None:
        rule = flask.request.url_rule
        if rule is None or flask.request.method not in ("GET", "HEAD"):
            return None
        path = re.sub(r"<\w+:", "<", rule.rule)
        pages: list[dict[str, Any]] = list(dash.page_registry.values())
        return next((one for one in pages if path in (one["path_template"], one["path"])), None)

    @server.before_request
    def shown() -> flask.Response | None:
        wants = flask.request.accept_mimetypes.best_match(["application/json", "text/html"])
        found = page() if wants == "text/html" and is_api(flask.request.path) else None
        if found is None:
            return None
        response = flask.make_response(app.index())  # type: ignore[no-untyped-call]
        if not found.get("is_there", _always)(**(flask.request.view_args or {})):
            response.status_code = 404
        return response

    @server.get("/model-cards")
    def former_address() -> Any:
        return flask.redirect(f"{flask.request.script_root}{MODELS}")

    @server.after_request
    def vary(response: flask.Response) -> flask.Response:
        if is_api(flask.request.path) and page():
            response.vary.add("Accept")
        return response


def _always(**_: str) -> bool:
    return True


def _check_base_path(server: flask.Flask, base: str) -> None:
    """Refuse a base path that could not be told from a path of the server's own."""
    first = base.strip("/").partition("/")[0]
    taken = {rule.rule.strip("/").partition("/")[0] for rule in server.url_map.iter_rules()}
    taken |= {page["path"].strip("/").partition("/")[0] for page in dash.page_registry.values()}
    if first and first in taken:
        raise ValueError(f"BASE_PATH is {base!r}; the dashboard itself has a path /{first}")


def _unknown_pages_are_not_found(response: flask.Response) -> flask.Response:
    """Dash answers any path with its page and lets the browser say that there is none.

    A page for many paths may say by `is_there` whether there is something at one of them.
    """
    if flask.request.endpoint == "/<path:path>" and response.status_code == 200:
        page, found = _path_to_page(flask.request.path.strip("/"))  # type: ignore[no-untyped-call]
        if not page or ("is_there" in page and not page["is_there"](**(found or {}))):
            response.status_code = 404
    return response
