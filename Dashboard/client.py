"""`python -m Dashboard.client`: sends image files to a running dashboard's API."""

import base64
import http.client
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

import quality
from quality.console import EXIT_SOME_FAILED, EXIT_USAGE, error_console, run, saving
from quality.names import printable
from quality.output import replacing

DEFAULT_URL = "http://127.0.0.1:8050"
# A server gives an explanation five minutes, and may have to load the model for it before.
TIMEOUT_SECONDS, EXPLAIN_TIMEOUT_SECONDS, HEALTH_TIMEOUT_SECONDS = 60.0, 330.0, 5.0
EXIT_UNREACHABLE = 3
# More than a server takes: it says itself what is too much, and no file is read without an end.
LIMITS = quality.Limits(max_bytes=2**30)
EPILOG = (
    "Exit codes: 0 every image was answered (an image to retake is an answer too), 1 some could "
    "not be, 2 wrong use, 3 the server cannot be reached, 130 interrupted."
)


class Precision(StrEnum):
    """Effort of an explanation."""

    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"


class UnreachableError(ConnectionError):
    """Nothing that speaks the API answers at the address."""


@dataclass(frozen=True)
class Reply:
    """The server's answer for one image: the HTTP status and the JSON object."""

    status: int
    body: dict[str, Any]

    @property
    def answered(self) -> bool:
        """Whether the image was assessed, a rejection for its quality included."""
        return self.status == 200 or (self.status == 422 and "quality" in self.body)


class Client:
    """Calls one server's API, over a connection that is kept; no proxy is ever used.

    url: `http://HOST[:PORT][/PREFIX]` or https; ValueError for anything else.
    timeout: seconds of silence after which the server counts as unreachable.
    """

    def __init__(self, url: str = DEFAULT_URL, timeout: float = 60.0) -> None:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"url must be http://HOST:PORT or https://HOST:PORT, got {url!r}")
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        self.url = url
        self._path = quote(parts.path.rstrip("/"), safe="/%") + "/predict"
        try:
            parts.hostname.encode("idna")
            self._connection = kind(parts.hostname, parts.port, timeout=timeout)
        except (UnicodeError, http.client.InvalidURL):
            raise ValueError(f"url has no host of that name, got {url!r}") from None

    def predict(self, data: bytes, fields: dict[str, str]) -> Reply:
        """Send one image file with the form's other fields.

        Raises:
            UnreachableError: no connection, no answer, or not an answer of the API.
        """
        boundary = secrets.token_hex(16)
        body = b"".join(_multipart(data, fields, boundary))
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        for attempt in (1, 2):
            fresh = self._connection.sock is None
            try:
                return self._exchange(body, headers)
            except UnreachableError:
                raise
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                # A kept connection may have been closed meanwhile: one new one is tried.
                if fresh or attempt == 2:
                    raise UnreachableError(_reason(error)) from error
        raise AssertionError("unreachable")

    def alive(self) -> bool:
        """Whether the server answers at all, over a connection of its own."""
        self._connection.close()
        own = type(self._connection)(
            self._connection.host, self._connection.port, timeout=HEALTH_TIMEOUT_SECONDS
        )
        try:
            own.request("GET", self._path.removesuffix("predict") + "health")
            return own.getresponse().status == HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            own.close()

    def _exchange(self, body: bytes, headers: dict[str, str]) -> Reply:
        refused: OSError | None = None
        try:
            self._connection.request("POST", self._path, body, headers)
        except (BrokenPipeError, ConnectionResetError) as error:
            # The server may have answered already, and closed: too large a body is not read.
            refused = error
        try:
            response = self._connection.getresponse()
        except (OSError, http.client.HTTPException):
            if refused:
                raise refused from None
            raise
        text = response.read()
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or "success" not in answer:
            raise UnreachableError(
                f"{self.url} answers with status {response.status}, but not as the dashboard's API"
            )
        return Reply(response.status, answer)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _multipart(data: bytes, fields: dict[str, str], boundary: str) -> Iterator[bytes]:
    """A form's parts. The file's own name is not sent: the server decides by content."""
    mark = f"--{boundary}\r\nContent-Disposition: form-data; name="
    for name, value in fields.items():
        yield f'{mark}"{name}"\r\n\r\n{value}\r\n'.encode()
    yield f'{mark}"image"; filename="image"\r\n'.encode()
    yield b"Content-Type: application/octet-stream\r\n\r\n"
    yield data
    yield f"\r\n--{boundary}--\r\n".encode()


def line(file: Path, reply: Reply, drawn: Path | None = None) -> str:
    """One line for people; `drawn` is where its explanation was written."""
    body, name = reply.body, printable(file)
    if reply.status == 200:
        shown = (
            f" ({body['prediction']}, {body['probability']:.0%}; "
            f"malignant {body['p_malignant']:.0%})"
        )
        if body["verdict"] == "none":
            # A class and its probability beside "no advice" would be read as an assessment.
            shown = ""
        where = f", explained in {printable(drawn)}" if drawn else ""
        answer = f"{name}: {body['message']}{shown}{where}"
        told = dict.fromkeys([*body["reasons"], body["second_opinion"], body["clearance"]])
        notes = " ".join(filter(None, told))
        return f"{answer}. {notes}" if notes else answer
    reasons = body.get("quality", {}).get("reasons", [])
    return (
        " ".join([f"{name}: {body['error']}.", *reasons]) if reasons else f"{name}: {body['error']}"
    )


def ask(client: Client, file: Path, fields: dict[str, str]) -> Reply:
    """The server's reply for one file; of status 0 where the file alone gets none.

    That is where it cannot be read, or where the server answers others but not this one in time.

    Raises:
        UnreachableError: the server answers nothing.
    """
    try:
        return client.predict(quality.read_bytes(file, LIMITS), fields)
    except UnreachableError as error:
        if not client.alive():
            raise
        why = f"It got no answer: {error}."
    except (quality.ImageError, OSError) as error:
        why = quality.why_unread(error)
    return Reply(0, {"success": False, "error": why})


def write_explanation(reply: Reply, file: Path, folder: Path) -> Path | None:
    """Write the drawn explanation of an answer into `folder`; None where there is none.

    A file of that name is kept, and a number makes the name another one.
    """
    picture = reply.body.get("explain")
    if not isinstance(picture, str):
        return None
    # A file's name has at most 255 bytes, a letter up to four of them.
    stem = f"{file.stem[:50]}-{reply.body['explanation']['method']}"
    for number in range(1, 10_000):
        path = folder / f"{stem}{f'-{number}' if number > 1 else ''}.png"
        if not path.exists():
            with replacing(path) as temporary:
                temporary.write_bytes(base64.b64decode(picture))
            return path
    raise FileExistsError(f"{folder} holds too many explanations of {file.name}")


def main(
    images: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Image files, and folders of them.")
    ],
    url: Annotated[str, typer.Option(help="Address of the dashboard.")] = DEFAULT_URL,
    model: Annotated[str | None, typer.Option(help="Checkpoint, if not the default one.")] = None,
    gate: Annotated[bool, typer.Option(help="Refuse images of poor quality.")] = True,
    explain: Annotated[bool, typer.Option("--explain", help="Ask for an explanation.")] = False,
    precision: Annotated[Precision, typer.Option(help="Effort of it.")] = Precision.MEDIUM,
    method: Annotated[
        str | None, typer.Option(help="Its method, if not Grad-CAM; the server lists them.")
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="Class to explain: a code, or malignant; else the predicted.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the drawn explanations, PNG; without it this one, or with --json "
            "they stay in the answers."
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(min=0.1, help="Seconds to wait for an answer [default: 60, to explain 330]."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object per line: file, status, answer.")
    ] = False,
) -> None:
    """Assess images with a running dashboard."""
    errors = error_console()
    if out is not None and not out.is_dir():
        errors.print(f"--out: there is no folder {printable(out)}", markup=False)
        raise typer.Exit(EXIT_USAGE)
    folder = out or (None if as_json else Path())
    inputs = quality.find_inputs(images)
    if not inputs.files:
        nothing = ["there is no image among the paths", *inputs.sentences()]
        errors.print("; ".join(nothing), markup=False)
        raise typer.Exit(EXIT_USAGE)
    try:
        usual = EXPLAIN_TIMEOUT_SECONDS if explain else TIMEOUT_SECONDS
        client = Client(url, timeout or usual)
    except ValueError as error:
        errors.print(f"--url: {error}", markup=False)
        raise typer.Exit(EXIT_USAGE) from None
    fields = {"gate": str(gate).lower(), "precision": precision.value}
    if explain:
        fields["explain"] = "true"
    named = {"model": model, "method": method, "target": target}
    fields |= {name: value for name, value in named.items() if value}
    failed = 0
    columns = (TextColumn("Assessing"), BarColumn(), MofNCompleteColumn())
    bar = Progress(*columns, console=errors, transient=True)
    with saving(None, (), ()), bar as progress:
        for sent, file in enumerate(progress.track(inputs.files)):
            try:
                reply = ask(client, file, fields)
            except UnreachableError as error:
                errors.print(f"{url} cannot be reached: {error}", markup=False)
                if sent:
                    errors.print(f"{len(inputs.files) - sent} images were not assessed")
                raise typer.Exit(EXIT_UNREACHABLE) from None
            drawn, undrawn = None, ""
            if folder is not None:
                try:
                    drawn = write_explanation(reply, file, folder)
                except OSError as error:
                    undrawn = f"its explanation cannot be written: {error.strerror or error}"
                    errors.print(f"{printable(file)}: {undrawn}", markup=False)
            failed += bool(undrawn) or not reply.answered
            if as_json:
                record = {"file": str(file), "status": reply.status, **reply.body}
                if drawn:
                    record["explain"] = str(drawn)
                typer.echo(json.dumps(record))
            else:
                typer.echo(line(file, reply, drawn), err=not reply.answered)
    for sentence in inputs.sentences():
        errors.print(sentence, markup=False)
    if failed:
        errors.print(f"{failed} of {len(inputs.files)} images could not be assessed")
        raise typer.Exit(EXIT_SOME_FAILED)


def application() -> typer.Typer:
    """The command."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(epilog=EPILOG)(main)
    return app


if __name__ == "__main__":
    run(application())
