"""`/docs`: a browsable page of the API in the house's look, of files that the server holds."""

import html
import json
from pathlib import Path

import dash
import flask
import flask_openapi3_swagger
from flask import Blueprint, Flask, Response

FILES = Path(flask_openapi3_swagger.__file__).parent / "templates" / "swagger"
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API · Skin lesion dashboard</title>
<link rel="icon" href="{base}/assets/shell/favicon.svg" type="image/svg+xml">
<script src="{base}/assets/shell/scheme.js"></script>
<link rel="stylesheet" href="{base}/docs/files/css/swagger-ui.css">
<link rel="stylesheet" href="{base}/assets/shell/base.css">
<link rel="stylesheet" href="{base}/assets/shell/shell.css">
<link rel="stylesheet" href="{base}/assets/shell/docs.css">
</head>
<body>
<header class="header"><div class="header-inner">
<a class="brand" href="{base}/"><span class="brand-mark" aria-hidden="true"></span>Skin lesion
dashboard</a>
<nav class="nav" aria-label="Main">{links}
<a class="nav-link" href="{base}/docs" aria-current="page">API</a></nav>
</div></header>
<main class="page">
<div id="swagger-ui"></div>
</main>
<script src="{base}/docs/files/js/swagger-ui-bundle.js"></script>
<script src="{base}/docs/start.js"></script>
</body>
</html>
"""
# validatorUrl: null keeps Swagger UI from asking a public validator about the description. Its own
# colouring of examples is for one scheme alone.
OPTIONS = {"dom_id": "#swagger-ui", "validatorUrl": None, "syntaxHighlight": False}


def add_docs(server: Flask) -> None:
    """Add the page, its start script and Swagger UI's own files."""
    docs = Blueprint("docs", __name__, static_folder=str(FILES), static_url_path="/docs/files")

    @docs.get("/docs")
    def page() -> Response:
        base = flask.request.script_root
        pages = [page for page in dash.page_registry.values() if page.get("in_navigation")]
        links = "\n".join(
            f'<a class="nav-link" href="{base}{page["path"]}">{html.escape(page["name"])}</a>'
            for page in sorted(pages, key=lambda page: page["order"])
        )
        return flask.Response(PAGE.format(base=base, links=links), mimetype="text/html")

    @docs.get("/docs/start.js")
    def start() -> Response:
        options = OPTIONS | {"url": f"{flask.request.script_root}/openapi.json"}
        script = f"window.ui = SwaggerUIBundle({json.dumps(options)});\n"
        return flask.Response(script, mimetype="text/javascript")

    server.register_blueprint(docs)
