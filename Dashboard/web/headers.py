"""Headers that every response carries."""

from collections.abc import Mapping
from types import MappingProxyType

import dash
import flask
from flask import Flask, Response

HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    }
)
"""Of every response, beside its policy."""
POLICY = "Content-Security-Policy"
# A script or a style obeys the policy of its page; fifty of them come with a page, and headers are
# not compressed.
OBEYS_ITS_PAGE = frozenset({"text/javascript", "application/javascript", "text/css"})
# Dash names the page's own files with the time of their last change: another file, another address.
OWN_FILES, VERSION = "/assets/", "m"
A_YEAR = 365 * 24 * 3600


def content_security_policy(app: dash.Dash) -> str:
    """Nothing loads from elsewhere, and no script runs that the server did not send.

    Dash puts its callbacks that run in the browser into the page as inline scripts: they are
    allowed by their hashes. Mantine and Plotly write style elements and style attributes as
    they draw, which no hash can cover: inline styles are allowed. Charts are drawn and tables
    saved through data: and blob: addresses, which hold what the page itself made.
    """
    directives = {
        "default-src": "'self'",
        "script-src": " ".join(["'self'", *app.csp_hashes()]),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def add_headers(server: Flask, policy: str) -> None:
    """Send headers with every response of `server`; `policy` with all but scripts and styles."""

    @server.after_request
    def secure(response: Response) -> Response:
        if response.mimetype not in OBEYS_ITS_PAGE:
            response.headers.setdefault(POLICY, policy)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        named = flask.request.path.startswith(OWN_FILES) and VERSION in flask.request.args
        if named and response.status_code in (200, 304):
            response.headers["Cache-Control"] = f"max-age={A_YEAR}, immutable"
        elif "Cache-Control" not in response.headers:
            # Other files are checked for a newer version at each use; answers are never kept.
            response.headers["Cache-Control"] = "no-cache" if response.get_etag()[0] else "no-store"
        return response
