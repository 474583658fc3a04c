"""Whose a request is: a signed random name, in a cookie or in a header.

A browser has it as a cookie that no script can read and no other site makes it send. A program
keeps cookies as a browser does, or sends the cookie's value in the header `X-Session-Token`. The
server makes the name, so nobody can choose a poor one, and stores it only with what is kept for it.
The cookie comes with every page, so that all that a page then sends at once belongs to one session.
"""

import hashlib
import secrets
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import flask
from itsdangerous import BadSignature, TimestampSigner

from Dashboard.store.errors import StoreFull, StoreUnavailable
from Dashboard.store.store import Store
from Dashboard.web.errors import InputError

COOKIE = "lesions_session"
HEADER = "X-Session-Token"
# As long as browsers keep a cookie at most.
DURABLE = timedelta(days=400)


def in_which(sentence: str) -> str:
    """A sentence that something is not there, for a program that forgot to say whose it is."""
    said = HEADER in flask.request.headers or COOKIE in flask.request.cookies
    if said or "owner" not in flask.g:
        return sentence
    return (
        f"{sentence}; the request says nothing of its session: send the cookie {COOKIE} that the "
        f"first answer set, or its value in the header {HEADER}"
    )


class Sessions:
    """The sessions of one store, whose secret signs them."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def owner(self) -> str:
        """Whose the current request is; one that brings nothing, or what is too old, gets a cookie.

        Raises:
            InputError: 401: a header that is not of this store.
            StoreUnavailable, StoreFull.
        """
        if "owner" in flask.g:
            return str(flask.g.owner)
        signer = TimestampSigner(
            self.store.place.secret, salt="session", digest_method=hashlib.sha256
        )
        seconds = round(self._lifetime.total_seconds())
        token = flask.request.headers.get(HEADER)
        try:
            name, signed = signer.unsign(
                token or flask.request.cookies.get(COOKIE, ""), seconds, return_timestamp=True
            )
        except BadSignature:
            if token is not None:
                raise InputError(
                    f"{HEADER} is not, or no longer, the value of a session cookie of this server",
                    401,
                ) from None
            name, signed = secrets.token_urlsafe(16).encode(), None
        age = None if signed is None else datetime.now(UTC) - signed
        if age is None or (not token and age > self._lifetime / 2):
            flask.g.session_token = signer.sign(name).decode()
        flask.g.owner = name.decode()
        return name.decode()

    @property
    def _lifetime(self) -> timedelta:
        """Longer than anything is kept for the session, and renewed in the second half of it."""
        if self.store.config.durable:
            return DURABLE
        return 2 * (self.store.retention or DURABLE)

    def hand_out(self, server: flask.Flask) -> None:
        """Send the cookie with each answer that made one, and with each page."""

        @server.after_request
        def give(response: flask.Response) -> flask.Response:
            request = flask.request
            if request.method == "GET" and response.mimetype == "text/html":
                # A page without its session is a page, too.
                with suppress(InputError, StoreFull, StoreUnavailable):
                    self.owner()
            if "session_token" in flask.g:
                response.set_cookie(
                    COOKIE,
                    flask.g.session_token,
                    max_age=round(self._lifetime.total_seconds()),
                    path=f"{request.script_root}/",
                    secure=request.is_secure,
                    httponly=True,
                    samesite="Lax",
                )
            return response
