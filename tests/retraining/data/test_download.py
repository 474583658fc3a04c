"""Downloads from a server on this machine that speaks as Dataverse does."""

import base64
import hashlib
import json
import re
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from kagglehub import clients

from retraining.__main__ import main
from retraining.data import download
from retraining.data.download import WANTED, DownloadError, from_dataverse, from_kaggle
from retraining.data.prepare import prepare


class Dataverse(ThreadingHTTPServer):
    """Serves files as Dataverse does: a listing of the data set, and ranges of each file."""

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files
        self.sums = {name: hashlib.md5(data).hexdigest() for name, data in files.items()}
        self.requests: list[tuple[str, str | None]] = []
        self.cut_after: int | None = None
        self.ranges = True
        self.broken = 0
        self.status = 200
        self.listing: bytes | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def list_files(self) -> bytes:
        entries = []
        for number, (name, data) in enumerate(self.files.items()):
            entry = {
                "id": number,
                "filename": name,
                "filesize": len(data),
                "md5": self.sums[name],
            }
            if name.endswith(".csv"):
                # Dataverse converts tables to tabs and keeps the original beside.
                entry |= {
                    "filename": name.replace(".csv", ".tab"),
                    "filesize": 3,
                    "originalFileFormat": "text/csv",
                    "originalFileSize": len(data),
                }
            entries.append({"dataFile": entry})
        return json.dumps({"status": "OK", "data": {"latestVersion": {"files": entries}}}).encode()


class Handler(BaseHTTPRequestHandler):
    server: Dataverse

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        wanted = self.headers.get("Range")
        self.server.requests.append((self.path, wanted))
        if self.server.status != 200:
            self.send_error(self.server.status)
        elif url.path == "/api/datasets/:persistentId":
            assert url.query == "persistentId=doi:10.7910/DVN/DBW86T"
            self.answer(self.server.listing or self.server.list_files(), None)
        else:
            number = int(url.path.removeprefix("/api/access/datafile/"))
            name, data = list(self.server.files.items())[number]
            if name.endswith(".csv") and url.query != "format=original":
                data = b"a\tb"
            self.answer(data, wanted)

    def answer(self, data: bytes, wanted: str | None) -> None:
        start = 0
        if wanted and self.server.ranges:
            start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])
            self.send_response(206)
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        body = data[start:]
        if self.server.broken and not data.startswith(b"{"):
            self.server.broken -= 1
            body = bytes(len(body))
        if self.server.cut_after is not None and not data.startswith(b"{"):
            body, self.close_connection = body[: self.server.cut_after], True
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(archives: Path) -> Iterator[Dataverse]:
    files = {name: (archives / name).read_bytes() for name in WANTED}
    with Dataverse(files | {"ISIC2018_Task3_Test_Images.zip": b"not wanted"}) as dataverse:
        thread = threading.Thread(target=dataverse.serve_forever, args=(0.02,))
        thread.start()
        yield dataverse
        dataverse.shutdown()
        thread.join()


def test_it_fetches_what_prepare_reads(server: Dataverse, archives: Path, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    paths = from_dataverse(tmp_path / "in", lambda *args: seen.append(args), server.url)
    assert sorted(p.name for p in (tmp_path / "in").iterdir()) == sorted(WANTED)
    assert all(p.read_bytes() == (archives / p.name).read_bytes() for p in paths)
    assert {name: (there, whole) for name, there, whole in seen} == {
        name: (len(server.files[name]),) * 2 for name in WANTED
    }
    assert len(prepare(tmp_path / "in", tmp_path / "out")) == 140


def test_what_is_there_is_not_fetched_again(server: Dataverse, tmp_path: Path) -> None:
    from_dataverse(tmp_path, server=server.url)
    server.requests.clear()
    from_dataverse(tmp_path, server=server.url)
    assert len(server.requests) == 1


def test_half_a_file_is_gone_on_with(server: Dataverse, tmp_path: Path) -> None:
    name = WANTED[1]
    data = server.files[name]
    (tmp_path / f"{name}.part").write_bytes(data[:1000])
    seen: list[tuple[str, int, int]] = []
    from_dataverse(tmp_path, lambda *args: seen.append(args), server.url)
    assert [r for _, r in server.requests if r] == ["bytes=1000-"]
    assert (tmp_path / name).read_bytes() == data
    assert [s[1:] for s in seen if s[0] == name][-1] == (len(data), len(data))


def test_a_whole_part_is_only_checked(server: Dataverse, tmp_path: Path) -> None:
    (tmp_path / f"{WANTED[1]}.part").write_bytes(server.files[WANTED[1]])
    from_dataverse(tmp_path, server=server.url)
    assert len(server.requests) == len(WANTED)


def test_a_connection_that_breaks_is_taken_up_again(
    server: Dataverse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "ATTEMPTS", 50)
    monkeypatch.setattr(download, "CHUNK", 512)
    server.cut_after = max(map(len, server.files.values())) // 4
    from_dataverse(tmp_path, server=server.url, pause=0)
    assert all((tmp_path / name).read_bytes() == server.files[name] for name in WANTED)
    assert any(wanted for _, wanted in server.requests)


def test_a_server_without_ranges_is_asked_from_the_start(server: Dataverse, tmp_path: Path) -> None:
    server.ranges = False
    (tmp_path / f"{WANTED[1]}.part").write_bytes(server.files[WANTED[1]][:1000])
    from_dataverse(tmp_path, server=server.url)
    assert (tmp_path / WANTED[1]).read_bytes() == server.files[WANTED[1]]


def test_a_damaged_file_is_fetched_again(server: Dataverse, tmp_path: Path) -> None:
    server.broken = 1
    from_dataverse(tmp_path, server=server.url)
    assert (tmp_path / WANTED[0]).read_bytes() == server.files[WANTED[0]]


def test_a_file_that_stays_damaged_never_gets_its_name(server: Dataverse, tmp_path: Path) -> None:
    server.broken = 100
    with pytest.raises(DownloadError, match="came damaged 5 times: its MD5 is not"):
        from_dataverse(tmp_path, server=server.url)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("listing", "message"),
    [
        (b"<html>", "does not list the files of doi:10.7910/DVN/DBW86T"),
        (b"[]", "does not list the files"),
        (b'{"data": {"latestVersion": {"files": []}}}', "has no HAM10000_metadata.csv"),
    ],
)
def test_another_answer_is_one_sentence(
    listing: bytes, message: str, server: Dataverse, tmp_path: Path
) -> None:
    server.listing = listing
    with pytest.raises(DownloadError, match=message):
        from_dataverse(tmp_path, server=server.url)


@pytest.mark.parametrize("status", [403, 503])
def test_a_refusal_is_told_with_its_status(status: int, server: Dataverse, tmp_path: Path) -> None:
    server.status = status
    with pytest.raises(DownloadError, match=f"HTTP status {status}"):
        from_dataverse(tmp_path, server=server.url)


def test_offline_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Nothing listens on the port that a closed server had.
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as closed:
        address = f"http://127.0.0.1:{closed.server_port}"
    monkeypatch.setattr(from_dataverse, "__defaults__", (None, address, 0.0))
    out = tmp_path / "in"
    monkeypatch.setattr("sys.argv", ["retraining", "download", "--out", str(out)])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert f"fetch {', '.join(WANTED)} elsewhere from https://doi.org/10.7910/DVN/DBW86T" in said
    assert f"put them into {out} and run `python -m retraining prepare {out}`" in said
    assert "Traceback" not in said


class Kaggle(BaseHTTPRequestHandler):
    """Answers as Kaggle does: the version of a data set, then a redirect to its archive."""

    archive: bytes
    ranges: list[str]

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert f"{asked['ownerSlug']}/{asked['datasetSlug']}" == download.KAGGLE
        if self.path.endswith("/GetDataset"):
            self.answer(b'{"currentVersionNumber": 2}', "application/json")
        else:
            self.send_response(302)
            self.send_header("Location", "/archive.zip")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def do_GET(self) -> None:
        self.answer(self.archive, "application/zip")

    def answer(self, data: bytes, kind: str) -> None:
        wanted = self.headers.get("Range")
        start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted else 0
        if wanted:
            self.ranges.append(wanted)
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("Accept-Ranges", "bytes")
        md5 = base64.b64encode(hashlib.md5(data).digest()).decode()
        self.send_header("x-goog-hash", f"md5={md5}")
        self.end_headers()
        self.wfile.write(data[start:])

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def kaggle(archives: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    folder = tmp_path / "kaggle"
    for name in WANTED[1:3]:
        shutil.unpack_archive(archives / name, folder / name.removesuffix(".zip"))
    shutil.copy(archives / WANTED[0], folder)
    Kaggle.archive = Path(shutil.make_archive(str(folder), "zip", folder)).read_bytes()
    Kaggle.ranges = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Kaggle) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "QA")
        address = f"http://127.0.0.1:{server.server_port}"
        endpoints = clients.get_env.__globals__["_env_to_endpoint"]
        monkeypatch.setitem(endpoints, clients.KaggleEnv.QA, address)
        yield
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("kaggle")
def test_kaggle_goes_on_with_half_an_archive(tmp_path: Path) -> None:
    part = tmp_path / "in" / "datasets" / download.KAGGLE / "2.archive"
    part.parent.mkdir(parents=True)
    part.write_bytes(Kaggle.archive[:2000])
    folder = from_kaggle(tmp_path / "in")
    assert Kaggle.ranges == ["bytes=2000-"]
    assert len(prepare(folder, tmp_path / "out")) == 140
    assert from_kaggle(tmp_path / "in") == folder


@pytest.mark.usefixtures("kaggle")
def test_kaggle_refuses_a_damaged_archive(tmp_path: Path) -> None:
    part = tmp_path / "in" / "datasets" / download.KAGGLE / "2.archive"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(2000))
    with pytest.raises(DownloadError, match=r"Kaggle gave nothing \(DataCorruptionError\)"):
        from_kaggle(tmp_path / "in")
    assert not part.exists()


def test_another_source_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["retraining", "download", "--source", "ftp", "--out", "x"])
    with pytest.raises(SystemExit):
        main()
    assert "source must be dataverse or kaggle, got 'ftp'" in capsys.readouterr().err
