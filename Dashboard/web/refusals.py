"""Answers to what never reaches the application: a sentence, with the headers of all others."""

import json
from http import HTTPStatus

from gunicorn.http import errors

from Dashboard.web.headers import HEADERS

# Nothing is to be loaded or run by what is a sentence alone.
POLICY = "default-src 'none'; frame-ancestors 'none'"
# The first that fits. gunicorn's own texts repeat what came, which may be anything.
SENTENCES: tuple[tuple[type[Exception], HTTPStatus, str], ...] = (
    (errors.LimitRequestLine, HTTPStatus.REQUEST_URI_TOO_LONG, "the address is too long"),
    (
        errors.LimitRequestHeaders,
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        "the request has too many headers, or too long ones",
    ),
    (
        errors.UnsupportedTransferCoding,
        HTTPStatus.NOT_IMPLEMENTED,
        "the request's Transfer-Encoding is not supported; chunked is",
    ),
    (
        errors.ExpectationFailed,
        HTTPStatus.EXPECTATION_FAILED,
        "the request's Expect is not supported; 100-continue is",
    ),
    (
        errors.ForbiddenProxyRequest,
        HTTPStatus.FORBIDDEN,
        "the PROXY protocol is not accepted from this address",
    ),
)
MALFORMED = (HTTPStatus.BAD_REQUEST, "the request is malformed")
LATE = (HTTPStatus.REQUEST_TIMEOUT, "the request did not arrive in time")
BODY_LATE = (HTTPStatus.REQUEST_TIMEOUT, "the request's body did not arrive in time")
CUT_OFF = (HTTPStatus.BAD_REQUEST, "the request's body did not arrive whole")
BUSY = (
    HTTPStatus.SERVICE_UNAVAILABLE,
    "the server is receiving too much at once; try again in a minute",
)
STUCK = (
    HTTPStatus.SERVICE_UNAVAILABLE,
    "an image took too long to decode, and the process that did it was ended; if this is not that "
    "image, send it again",
)
FAILED = (
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "the server failed to answer; its log says why",
)


def refusal(error: Exception) -> tuple[HTTPStatus, str] | None:
    """Status and sentence for a request that gunicorn's parser refuses; None: it is no such."""
    if isinstance(error, errors.InvalidResponseHeader | errors.InvalidResponseHeaderName):
        return None  # the application's own
    for kind, status, sentence in SENTENCES:
        if isinstance(error, kind):
            return status, sentence
    return MALFORMED if isinstance(error, errors.ParseException) else None


def answer(status: HTTPStatus, sentence: str) -> bytes:
    """A whole answer, after which the connection is closed."""
    body = json.dumps({"success": False, "error": sentence}).encode()
    headers = {
        "Connection": "close",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "Content-Security-Policy": POLICY,
        **HEADERS,
    }
    lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
