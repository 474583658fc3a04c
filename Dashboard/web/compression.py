"""Pages, their scripts and styles and what Dash draws leave compressed: a quarter of the bytes.

Answers of the API are left as they are, and so are pictures.
"""

import gzip
from functools import lru_cache

import flask
from flask import Flask, Response

TYPES = frozenset({"text/javascript", "application/javascript", "text/css", "image/svg+xml"})
SMALLEST_BYTES = 1024
# Dash's own answers: they differ by visitor, and are compressed each time, so not as hard. No other
# site can make a browser ask for one and measure it: they are JSON in, and the cookie is Lax. The
# page around all pages holds nothing of anybody's but a token that is new each time.
DRAWN = "/_dash-"
DRAWN_LEVEL = 3
# The pages and /docs have about fifty such files, 5 MB in all before compression.
CACHED_FILES = 64


def compress_files(server: Flask) -> None:
    """Compress files and what Dash draws."""

    @server.after_request
    def compress(response: Response) -> Response:
        answer = flask.request.path.startswith(DRAWN) and response.mimetype == "application/json"
        drawn = answer or response.mimetype == "text/html"
        if response.status_code != 200 or not (drawn or response.mimetype in TYPES):
            return response
        response.vary.add("Accept-Encoding")
        if not drawn and flask.request.method != "GET":
            return response
        if not flask.request.accept_encodings["gzip"]:
            return response
        response.direct_passthrough = False
        data = response.get_data()
        if len(data) >= SMALLEST_BYTES:
            response.set_data(
                gzip.compress(data, compresslevel=DRAWN_LEVEL, mtime=0)
                if drawn
                else _compressed(data)
            )
            response.content_encoding = "gzip"
            tag, _ = response.get_etag()
            if tag:  # of the same content, not of the same bytes
                response.set_etag(tag, weak=True)
                # Dash holds the tag that a browser knows against the one that the file had before.
                response.make_conditional(flask.request)
        return response


@lru_cache(maxsize=CACHED_FILES)
def _compressed(data: bytes) -> bytes:
    return gzip.compress(data, compresslevel=9, mtime=0)
