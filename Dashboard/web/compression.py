"""Scripts and styles leave the server compressed: a phone loads a quarter of the bytes."""

import gzip
from functools import lru_cache

import flask
from flask import Flask, Response

TYPES = frozenset({"text/javascript", "application/javascript", "text/css", "image/svg+xml"})
SMALLEST_BYTES = 1024
# The pages and /docs have about fifty such files, 5 MB in all before compression.
CACHED_FILES = 64


def compress_files(server: Flask) -> None:
    """Compress what is the same for every visitor; answers about images are left as they are."""

    @server.after_request
    def compress(response: Response) -> Response:
        if response.status_code != 200 or response.mimetype not in TYPES:
            return response
        response.vary.add("Accept-Encoding")
        if flask.request.method != "GET" or not flask.request.accept_encodings["gzip"]:
            return response
        response.direct_passthrough = False
        data = response.get_data()
        if len(data) >= SMALLEST_BYTES:
            response.set_data(_compressed(data))
            response.content_encoding = "gzip"
            tag, _ = response.get_etag()
            if tag:  # of the same content, not of the same bytes
                response.set_etag(tag, weak=True)
        return response


@lru_cache(maxsize=CACHED_FILES)
def _compressed(data: bytes) -> bytes:
    return gzip.compress(data, compresslevel=6, mtime=0)
