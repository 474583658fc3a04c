"""Assess and keep: one picture, the pictures of a zip archive."""

import json
from collections.abc import Iterator
from typing import Any

import flask

import quality
from Dashboard.api.archives import Archive, Entry
from Dashboard.api.assessing import assess
from Dashboard.api.assessment_schemas import KeepOptions
from Dashboard.assess.service import ModelNotReady
from Dashboard.explain.explanations import Explanations
from Dashboard.store.errors import StoreFull, StoreUnavailable
from Dashboard.store.items import answer_of
from Dashboard.store.listing import kept_upload
from Dashboard.store.schema import NAME_CHARACTERS
from Dashboard.store.store import Store

Reply = tuple[dict[str, Any], int]
FAILURES = (quality.ImageError, StoreFull, StoreUnavailable, ModelNotReady)


def keep_picture(
    store: Store,
    explanations: Explanations,
    owner: str,
    data: bytes,
    options: KeepOptions,
    file: str,
) -> Reply:
    """Assess a picture and keep it; what is sent under the same `upload` again is there already.

    Raises: as `assess` and `Store.keep`.
    """
    if options.upload and (known := kept_upload(store, owner, options.upload)) is not None:
        return answer_of(known), 422 if known.verdict == "retake" else 200
    store.require_room(len(data))
    assessment, explained, key = assess(explanations, lambda: owner, data, options, keep=True)
    beside = {"batch": options.batch, "upload": options.upload}
    item = store.keep(owner, data, assessment, file, **beside)
    if key is not None:
        explanations.adopt(owner, key, item)
    return answer_of(item) | explained, 422 if assessment.rejected else 200


def keep_archive(
    store: Store,
    explanations: Explanations,
    owner: str,
    archive: Archive,
    options: KeepOptions,
) -> flask.Response:
    """The same of all pictures of an archive; the answer grows as they are done."""

    def kept(entry: Entry) -> dict[str, Any]:
        failed = {"success": False, "file": entry.file}
        if entry.error is not None:
            return failed | {"error": entry.error}
        upload = options.upload and f"{options.upload[: NAME_CHARACTERS - 6]}.{entry.number}"
        own = options.model_copy(update={"upload": upload})
        try:
            return keep_picture(store, explanations, owner, entry.data, own, entry.file)[0]
        except FAILURES as error:
            return failed | {"error": str(error)}

    def lines() -> Iterator[str]:
        yield '{"success": true, "entries": ['
        for number, entry in enumerate(archive.entries()):
            yield ("," if number else "") + json.dumps(kept(entry))
        yield f'], "left_out": {json.dumps(archive.left_out)}}}\n'

    response = flask.stream_with_context(lines())
    return flask.Response(response, mimetype="application/json")
