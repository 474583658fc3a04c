"""The application factory: one Flask server with the JSON API and the Dash pages."""

from pathlib import Path

import dash

from Dashboard.api import create_server
from Dashboard.config import Config
from Dashboard.docs import add_docs
from Dashboard.security import add_headers, content_security_policy
from Dashboard.service import Service

FOLDER = Path(__file__).resolve().parent
TITLE = "Skin lesion dashboard"
INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
{%metas%}
<title>{%title%}</title>
{%favicon%}
{%css%}
</head>
<body>
{%app_entry%}
<footer>
{%config%}
{%scripts%}
{%renderer%}
</footer>
</body>
</html>
"""


def create_app(config: Config | None = None, service: Service | None = None) -> dash.Dash:
    """The dashboard; its `server` attribute is the WSGI application.

    Pages find the service and the settings as `flask.current_app.extensions["service"]` and
    `["config"]`. No model is loaded here: `service.warm_up()` does it, after the fork.

    config: None: from the environment.
    service: None: made from `config`.

    Raises:
        ValueError: an environment variable holds something else than it may.
    """
    from Dashboard.components.shell import layout

    config = config or Config.from_env()
    service = service or Service(config)
    server = create_server(config, service)
    add_docs(server)
    app = dash.Dash(
        "Dashboard",
        server=server,
        use_pages=True,
        pages_folder=str(FOLDER / "pages"),
        assets_folder=str(FOLDER / "assets"),
        serve_locally=True,
        title=TITLE,
        update_title="",
        index_string=INDEX,
        add_log_handler=False,
    )
    app.layout = layout
    # Dash finishes its set-up at the first request, without a lock; doing it here lets workers
    # share it and lets the policy name the hash of every inline script.
    with server.test_request_context("/"):
        server.preprocess_request()
    add_headers(server, content_security_policy(app))
    return app
