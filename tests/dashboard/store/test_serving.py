"""The real server: two workers over one store, one of them killed, and what is left at the end."""

import http.client
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from tests.dashboard.explain.test_jobs import processes as of_jobs
from tests.dashboard.explain.test_jobs import until
from tests.dashboard.serving import Server, gunicorn

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]
WSGI = """
from pathlib import Path
from Dashboard.app import create_app
from Dashboard.assess.service import Service
from Dashboard.config import Config
from tests.dashboard.conftest import by_rule
from Dashboard.explain.jobs.engine import Jobs
config = Config.from_env()
jobs = Jobs(config, explainer="tests.dashboard.explaining:explain_for_seconds")
server = create_app(config, Service(config, root=Path({root!r}), load=by_rule), jobs).server
"""
HEAD = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
END = b"\r\n--x--\r\n"


def processes(folder: Path) -> dict[int, int]:
    """The processes that run in a folder, and the parent of each."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if (path / "cwd").readlink() == folder:
                found[int(path.name)] = int((path / "stat").read_text().rsplit(")")[1].split()[1])
        except OSError:
            continue
    return found


def store_of(process: int) -> Path:
    """The folder that a process holds the lock of."""
    links = [path.readlink() for path in Path(f"/proc/{process}/fd").iterdir()]
    (folder,) = (link.parent for link in links if link.parent.name.startswith("skin-lesion-store-"))
    return folder


def session(server: Server) -> dict[str, str]:
    """The headers of a browser that sends forms."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", "/assessments")
    response = connection.getresponse()
    response.read()
    connection.close()
    cookie = response.headers["Set-Cookie"].split(";")[0]
    return {"Content-Type": "multipart/form-data; boundary=x", "Cookie": cookie}


def test_two_workers_share_a_store_that_ends_with_the_server(
    repository: Path, tmp_path: Path, checkpoints: Path, encode: Callable[..., bytes]
) -> None:
    (tmp_path / "wsgi.py").write_text(WSGI.format(root=str(checkpoints)))
    config = str(repository / "Dashboard" / "gunicorn.conf.py")
    settings = {"MODEL": "plain", "WEB_CONCURRENCY": "2", "PYTHONPATH": str(repository)}
    body = HEAD + encode("benign") + END
    with gunicorn(tmp_path, tmp_path / "log", "-c", config, "wsgi:server", **settings) as server:
        headers = session(server)

        def keep() -> str:
            status, answer = server.call("POST", "/assessments", body, headers)
            assert status == 200, answer
            return str(answer["id"])

        def kept() -> set[str]:
            status, answer = server.call("GET", "/assessments", None, headers)
            assert status == 200, answer
            return {one["id"] for one in answer["assessments"]}

        keys = {keep() for _ in range(6)}
        for _ in range(6):  # whichever worker answers
            assert kept() == keys
        family = processes(tmp_path)
        (master,) = (one for one, parent in family.items() if parent not in family)
        folder = store_of(master)
        worker = next(one for one, parent in family.items() if parent == master)
        os.kill(worker, signal.SIGKILL)
        deadline = time.monotonic() + 30
        while worker in processes(tmp_path) or len(processes(tmp_path)) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        keys |= {keep() for _ in range(4)}
        for _ in range(6):
            assert kept() == keys
        assert folder.stat().st_mode & 0o777 == 0o700
        assert len(list((folder / "pictures").glob("*/*"))) == 1
    assert not folder.exists()


def test_what_was_acknowledged_outlives_the_kill_of_everything(
    repository: Path,
    tmp_path: Path,
    checkpoints: Path,
    encode: Callable[..., bytes],
) -> None:
    """Master, web workers, supervisor and explanation worker at once, while pictures come in."""
    (tmp_path / "wsgi.py").write_text(WSGI.format(root=str(checkpoints)))
    data, picture = tmp_path / "data", encode("benign")
    arguments = ("-c", str(repository / "Dashboard" / "gunicorn.conf.py"), "wsgi:server")
    settings = {"MODEL": "plain", "WEB_CONCURRENCY": "2", "PYTHONPATH": str(repository)}
    settings |= {"DATA_DIR": str(data)}
    kept: dict[str, bytes] = {}

    def send(number: int) -> None:
        for turn in count():
            own = picture + bytes([number]) + turn.to_bytes(4, "big")
            try:
                status, answer = server.call("POST", "/assessments", HEAD + own + END, headers)
            except (OSError, http.client.HTTPException, ValueError):
                return  # killed meanwhile
            assert status == 200, answer
            kept[answer["id"]] = own

    with gunicorn(tmp_path, tmp_path / "log", *arguments, **settings) as server:
        headers = session(server)
        with ThreadPoolExecutor(3) as clients:
            sending = [clients.submit(send, number) for number in range(3)]
            until(lambda: len(kept) > 5)
            order = json.dumps({"assessment": next(iter(kept)), "method": "gradcam"})
            as_json = headers | {"Content-Type": "application/json"}
            _, begun = server.call("POST", "/explanations", order, as_json)
            path = f"/explanations/{begun['key']}"
            until(lambda: server.call("GET", path, None, headers)[1]["state"] == "running")
            for process in [*processes(tmp_path), *of_jobs("", data)]:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            for one in sending:
                one.result()
    until(lambda: not of_jobs("", data))
    with gunicorn(tmp_path, tmp_path / "log2", *arguments, **settings) as server:
        _, answer = server.call("GET", "/assessments?limit=500", None, headers)
        there = {one["id"] for one in answer["assessments"]}
        assert kept.keys() <= there
        assert len(there - kept.keys()) <= 3  # kept, but killed before it was said
        for key in there:
            found = get(server, f"/assessments/{key}/picture", headers)
            assert found == kept.get(key, found)
            assert found.startswith(picture)
        files = [file for file in (data / "store" / "pictures").rglob("*") if file.is_file()]
        assert len(files) == len(there)
        until(lambda: server.call("GET", path, None, headers)[1]["state"] == "done")


def get(server: Server, path: str, headers: dict[str, str]) -> bytes:
    """The body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", path, None, headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    assert response.status == 200, body
    return body
