"""From a request's body to an image file and options, or to one sentence about what is wrong.

Nothing of the body is written to disk, and no message repeats a long value of it.
"""

import base64
import binascii
import codecs
import re
from io import BytesIO
from typing import IO, Any, TypeVar, cast

from flask import Request
from pydantic import BaseModel
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from Dashboard.api.assessment_schemas import KeepBody, KeepOptions
from Dashboard.api.schemas import PredictBody, PredictOptions
from Dashboard.api.sentences import validated
from Dashboard.explain.schemas import ExplainBody, ExplainKept, Watching
from Dashboard.store.forms import Again, ManyWords, Words
from Dashboard.web.errors import InputError, describe
from Dashboard.web.sentences import require_once

Model = TypeVar("Model", bound=BaseModel)
Parsed = tuple[IO[bytes], "MultiDict[str, str]", "MultiDict[str, FileStorage]"]
PLAIN_ALPHABET = bytes.maketrans(b"-_", b"+/")
DATA_URL = re.compile(r"data:[^,]{0,200}?(;base64)?,", re.IGNORECASE)


class FormParser(FormDataParser):
    """Werkzeug's parser of forms, with a sentence of its own for each limit that a form exceeds.

    Werkzeug has one and the same error for these and for a body that is too long.
    """

    def parse(
        self,
        stream: IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> Parsed:
        """Stream, fields and files.

        Raises:
            InputError: 413: too many parts, or a text that is too long.
            werkzeug.exceptions.RequestEntityTooLarge: the body is too long.
        """
        boundary = (options or {}).get("boundary", "")
        watched = _Watched(stream, f"--{boundary}".encode())
        try:
            found = super().parse(cast(IO[bytes], watched), mimetype, content_length, options)
        except RequestEntityTooLarge:
            if watched.too_long:
                raise
            if watched.parts == 0:  # not a form of this boundary: as a short one, it holds nothing
                return stream, self.cls(), self.cls()
            raise InputError(self._exceeded(watched.parts), 413) from None
        return stream, *found[1:]

    def _exceeded(self, parts: int) -> str:
        most, size = self.max_form_parts, self.max_form_memory_size
        if most is not None and parts > most:
            return (
                f"the form has more than {most} parts; accepted are one image, as a file, and "
                "every other field once"
            )
        return (
            f"a text field of the form is longer than {size:,} bytes, the most that is accepted; "
            "an image must be sent as a file"
        )


class _Watched:
    """A form's stream as the parser reads it, which remembers what the parser's error leaves out.

    parts: how many of the form's parts have begun.
    too_long: whether the body was longer than is accepted.
    """

    def __init__(self, stream: IO[bytes], boundary: bytes) -> None:
        self._stream, self._boundary, self._end = stream, boundary, b""
        self.parts, self.too_long = 0, False

    def read(self, size: int = -1) -> bytes:
        try:
            data = self._stream.read(size)
        except RequestEntityTooLarge:
            self.too_long = True
            raise
        # With the end of the block before, as a boundary may lie in both. The last boundary of a
        # form, after which no part begins, has no line break behind it.
        seen = self._end + data
        self.parts += seen.count(self._boundary + b"\r") + seen.count(self._boundary + b"\n")
        self._end = seen[-len(self._boundary) :]
        return data


class UploadRequest(Request):
    """A request whose uploaded files stay in memory, whatever their size.

    Werkzeug moves files above 500 kB to temporary files on disk. The length of a body is
    limited, so memory is too.
    """

    form_data_parser_class = FormParser

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        return BytesIO()


def read_predict(request: Request) -> tuple[bytes, PredictOptions]:
    """The image file as it was sent, undecoded, and the options of `POST /predict`.

    Raises: as `_read`.
    """
    return _read(request, PredictBody, PredictOptions)


def read_explain(request: Request) -> tuple[bytes | None, Watching]:
    """The same of `POST /explanations`; no file where an assessment is named instead."""
    if request.mimetype == "application/json":
        body = _json(request)
        # In base64 there are no quotes.
        if b'"assessment"' in body and b'"image"' not in body:
            return None, validated(ExplainKept, body)
    return _read(request, ExplainBody, Watching)


def read_keep(request: Request) -> tuple[bytes, KeepOptions, str]:
    """The same of `POST /assessments`, and the name of the file."""
    data, options = _read(request, KeepBody, KeepOptions)
    uploaded = request.files.get("image")
    name = options.file or (uploaded.filename if uploaded else None) or ""
    return data, options, name.replace("\0", "")


def read_words(request: Request) -> dict[str, Any]:
    """The fields that `PATCH /assessments/ID` sets, and no others.

    Raises: as `_read`.
    """
    return _read_json(request, Words).model_dump(exclude_unset=True)


def read_many_words(request: Request) -> dict[str, Any]:
    """The same of `PATCH /assessments`, with the ids that are meant."""
    return _read_json(request, ManyWords).model_dump(exclude_unset=True)


def read_again(request: Request) -> Again:
    """How `POST /assessments/ID/again` is meant."""
    return _read_json(request, Again)


def _read_json(request: Request, model: type[Model]) -> Model:
    if request.mimetype != "application/json":
        raise InputError("send the fields as a JSON object (application/json)", 415)
    return validated(model, _json(request))


def _read(request: Request, body: type[Model], options: type[Model]) -> tuple[bytes, Model]:
    """A body's image file and the rest of it.

    Raises:
        InputError: 400 or 415, with the sentence to answer.
        werkzeug.exceptions.RequestEntityTooLarge: the body is longer than is accepted.
    """
    if request.mimetype == "application/json":
        return _from_json(request, body)
    if request.mimetype == "multipart/form-data":
        return _from_form(request, options)
    raise InputError(
        f"Content-Type is {describe(request.mimetype) if request.mimetype else 'missing'}; "
        "send application/json or multipart/form-data",
        415,
    )


def _from_json(request: Request, model: type[Model]) -> tuple[bytes, Model]:
    body = validated(model, _json(request))
    return decode_base64(body.image), body  # type: ignore[attr-defined]


def _json(request: Request) -> bytes:
    data = request.get_data()
    if request.max_content_length is not None and len(data) >= request.max_content_length:
        # Werkzeug cuts off a body that came without its length, and says nothing.
        raise RequestEntityTooLarge
    return _as_utf8(data)


def _as_utf8(data: bytes) -> bytes:
    """JSON without a byte-order mark, which some programs write; UTF-16 with one as UTF-8."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return data.decode("utf-16").encode()
        except UnicodeError:
            raise InputError("the body is not valid JSON: it is not UTF-8") from None
    return data.removeprefix(codecs.BOM_UTF8)


def _from_form(request: Request, model: type[Model]) -> tuple[bytes, Model]:
    unknown = [name for name in request.files if name != "image"]
    if unknown:
        raise InputError(f"{describe(unknown[0])} is not a file field; send the file as image")
    if "image" in request.form:
        raise InputError("image came as text; in a form it must be a file")
    files = request.files.getlist("image")
    if len(files) != 1:
        raise InputError(f"image must be one file, got {len(files) or 'none'}")
    require_once(request.form)
    # An empty field of a form counts as left out.
    values = {name: text.strip() for name, text in request.form.items() if text.strip()}
    return files[0].read(), validated(model, values)


def decode_base64(text: str) -> bytes:
    """The bytes of base64, with or without a data URL's head; white space is skipped.

    Either alphabet of RFC 4648 is accepted, the one for addresses too, and no padding is needed.

    Raises:
        InputError: 400.
    """
    head = DATA_URL.match(text)
    if head and not head[1]:
        raise InputError("image is a data URL without ';base64'; send it in base64")
    if not head and text[:5].lower() == "data:":
        raise InputError("image begins like a data URL but has no comma after its head")
    encoded = text[head.end() :] if head else text
    if not encoded.isascii():
        raise InputError("image is not base64: it has characters outside ASCII")
    raw = encoded.encode("ascii").translate(PLAIN_ALPHABET, b" \t\r\n")
    if not raw.endswith(b"="):
        raw += b"=" * (-len(raw) % 4)
    try:
        return base64.b64decode(raw, validate=True)
    except binascii.Error as error:
        raise InputError(
            f"image is not base64 ({str(error)[:80]}); send the image file in base64"
        ) from None
