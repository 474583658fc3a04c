"""The application factory: one Flask server with the JSON API and the Dash pages."""

from pathlib import Path

import dash
import flask

from Dashboard.api.docs import add_docs
from Dashboard.api.server import create_server
from Dashboard.assess.service import Service
from Dashboard.config import Config
from Dashboard.explain.jobs.engine import Jobs
from Dashboard.ui.assess.result_endpoint import add_result_endpoint
from Dashboard.ui.models.shipped_comparison import add_comparison
from Dashboard.web.compression import compress_files
from Dashboard.web.frontend import guard
from Dashboard.web.headers import add_headers, content_security_policy

FOLDER = Path(__file__).resolve().parent
TITLE = "Skin lesion dashboard"
INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
{%metas%}
<title>{%title%}</title>
<link rel="icon" href="/assets/shell/favicon.svg" type="image/svg+xml">
<script src="/assets/shell/scheme.js"></script>
<link rel="stylesheet" href="/assets/shell/base.css">
<link rel="stylesheet" href="/assets/shell/icons.css">
<link rel="stylesheet" href="/assets/shell/shell.css">
<link rel="stylesheet" href="/assets/shell/tones.css">
{%css%}
</head>
<body>
<p class="unfit">This page needs JavaScript and one of these browsers or a later one: Chrome 95,
Edge 95, Firefox 101 or Safari 16.4.</p>
{%app_entry%}
<footer>
{%config%}
<script src="/assets/shell/dom.js"></script>
<script src="/assets/shell/page.js"></script>
{%scripts%}
{%renderer%}
</footer>
</body>
</html>
"""


def create_app(
    config: Config | None = None, service: Service | None = None, jobs: Jobs | None = None
) -> dash.Dash:
    """The dashboard; its `server` attribute is the WSGI application.

    Pages find the service, the settings and the jobs in `flask.current_app.extensions`, under
    `service`, `config` and `jobs`. No model is loaded here: `service.warm_up()` does it, after
    the fork.

    config: None: from the environment.
    service, jobs: None: made from `config`.

    Raises:
        ValueError: an environment variable holds something else than it may.
    """
    from Dashboard.ui.explain import callbacks as background
    from Dashboard.ui.shell import shell

    config = config or Config.from_env()
    service = service or Service(config)
    server = create_server(config, service, jobs)
    add_docs(server)
    add_result_endpoint(server)
    add_comparison(server)
    server.secret_key = background.signing_secret(config)
    app = dash.Dash(
        "Dashboard",
        server=server,  # type: ignore[arg-type]  # its annotation forgets an instance
        use_pages=True,
        pages_folder=str(FOLDER / "ui"),
        assets_folder=str(FOLDER / "assets"),
        # Dash adds the folders by their names; the index names what comes before all of them.
        assets_path_ignore=[r"^shell$"],
        serve_locally=True,
        title=TITLE,
        update_title="",
        index_string=INDEX,
        background_callback_manager=background.JobsManager(server.extensions["jobs"]),
        add_log_handler=False,
        # The Models page has its figures only where a comparison was shipped.
        suppress_callback_exceptions=True,
    )
    shell.install(app)
    background.install(app, server.extensions["explanations"])
    compress_files(server)
    server.after_request(_unknown_pages_are_not_found)
    # Dash finishes its set-up at the first request, without a lock; doing it here lets workers
    # share it and lets the policy name the hash of every inline script.
    with server.test_request_context("/"):
        server.preprocess_request()
    guard(app)
    add_headers(server, content_security_policy(app))
    return app


def _unknown_pages_are_not_found(response: flask.Response) -> flask.Response:
    """Dash answers any path with its page and lets the browser say that there is none."""
    if flask.request.endpoint == "/<path:path>" and response.status_code == 200:
        path = flask.request.path.strip("/")
        if all(page["path"].strip("/") != path for page in dash.page_registry.values()):
            response.status_code = 404
    return response
