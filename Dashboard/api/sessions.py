"""Whose a request is: a signed random name, in a cookie or in a header.

A browser has it as a cookie that no script can read and no other site makes it send. A program
keeps cookies as a browser does, or sends the cookie's value in the header `X-Session-Token`. The
server makes the name, so nobody can choose a poor one, and stores it only with what is kept for it.
"""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

import flask
from itsdangerous import BadSignature, TimestampSigner

from Dashboard.store.store import Store
from Dashboard.web.errors import InputError

COOKIE = "lesions_session"
HEADER = "X-Session-Token"
# As long as browsers keep a cookie at most.
DURABLE = timedelta(days=400)


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
            self._hand_out(signer.sign(name).decode(), seconds)
        flask.g.owner = name.decode()
        return name.decode()

    @property
    def _lifetime(self) -> timedelta:
        """Longer than anything is kept for the session, and renewed in the second half of it."""
        if self.store.config.durable:
            return DURABLE
        return 2 * (self.store.retention or DURABLE)

    def _hand_out(self, token: str, seconds: int) -> None:
        @flask.after_this_request
        def give(response: flask.Response) -> flask.Response:
            request = flask.request
            response.set_cookie(
                COOKIE,
                token,
                max_age=seconds,
                path=f"{request.script_root}/",
                secure=request.is_secure,
                httponly=True,
                samesite="Lax",
            )
            return response
