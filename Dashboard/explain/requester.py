"""Who asks for explanations: a browser has its own, and an address a share of what there is."""

import hashlib
import re
import secrets

import flask
from flask import Flask, Response

from Dashboard.explain.jobs.records import Requester

COOKIE = "lesions_browser"
VALUE = re.compile(r"[A-Za-z0-9_-]{22}")


def requester() -> Requester:
    """Who sent the request at hand.

    A browser is told from others by a cookie, which no script reads and which it forgets when it is
    closed. What has none, a program, is somebody else at each request. Neither cookie nor address
    is kept: what is, cannot be turned back.
    """
    request = flask.request
    cookie = request.cookies.get(COOKIE, "")
    who = cookie if VALUE.fullmatch(cookie) else secrets.token_urlsafe(16)
    secret = flask.current_app.secret_key or b""
    key = secret.encode() if isinstance(secret, str) else secret
    address = hashlib.blake2b((request.remote_addr or "").encode(), digest_size=8, key=key[:64])
    return Requester(hashlib.sha256(who.encode()).hexdigest(), address.hexdigest())


def tell_browsers_apart(server: Flask) -> None:
    """Give each browser its cookie with the first page."""

    @server.after_request
    def give(response: Response) -> Response:
        request = flask.request
        known = VALUE.fullmatch(request.cookies.get(COOKIE, ""))
        if response.mimetype == "text/html" and request.method == "GET" and not known:
            response.set_cookie(
                COOKIE,
                secrets.token_urlsafe(16),
                path=f"{request.script_root}/",
                secure=request.is_secure,
                httponly=True,
                samesite="Lax",
            )
        return response
