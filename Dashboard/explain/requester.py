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

    Where it needed a session, that one (`flask.g.owner`). Else a browser is told from others by a
    cookie, which no script reads and which it forgets when it is closed. What has none, a program,
    is somebody else at each request. Neither of them nor the address is kept: what is, cannot be
    turned back.
    """
    known = requesters()
    return known[0] if known else _requester(secrets.token_urlsafe(16))


def requesters() -> list[Requester]:
    """All that the sender of the request at hand may have been: its session, its browser."""
    cookie = flask.request.cookies.get(COOKIE, "")
    names = [flask.g.get("owner", ""), cookie if VALUE.fullmatch(cookie) else ""]
    return [_requester(name) for name in names if name]


def _requester(who: str) -> Requester:
    secret = flask.current_app.secret_key or b""
    key = secret.encode() if isinstance(secret, str) else secret
    sent_from = (flask.request.remote_addr or "").encode()
    address = hashlib.blake2b(sent_from, digest_size=8, key=key[:64])
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
