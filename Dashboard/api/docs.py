"""`/docs`: a browsable page of the API, made of files that the server itself holds."""

import json
from pathlib import Path

import flask
import flask_openapi3_swagger
from flask import Blueprint, Flask, Response

FILES = Path(flask_openapi3_swagger.__file__).parent / "templates" / "swagger"
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Skin lesion dashboard: API</title>
<link rel="icon" href="{base}/_favicon.ico">
<link rel="stylesheet" href="{base}/docs/files/css/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{base}/docs/files/js/swagger-ui-bundle.js"></script>
<script src="{base}/docs/start.js"></script>
</body>
</html>
"""
# validatorUrl: null keeps Swagger UI from asking a public validator about the description.
OPTIONS = {"dom_id": "#swagger-ui", "validatorUrl": None}


def add_docs(server: Flask) -> None:
    """Add the page, its start script and Swagger UI's own files."""
    docs = Blueprint("docs", __name__, static_folder=str(FILES), static_url_path="/docs/files")

    @docs.get("/docs")
    def page() -> Response:
        page = PAGE.format(base=flask.request.script_root)
        return flask.Response(page, mimetype="text/html")

    @docs.get("/docs/start.js")
    def start() -> Response:
        options = OPTIONS | {"url": f"{flask.request.script_root}/openapi.json"}
        script = f"window.ui = SwaggerUIBundle({json.dumps(options)});\n"
        return flask.Response(script, mimetype="text/javascript")

    server.register_blueprint(docs)
