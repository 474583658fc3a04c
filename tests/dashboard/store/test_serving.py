"""The real server: two workers over one store, one of them killed, and what is left at the end."""

import http.client
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.dashboard.test_server import gunicorn

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
config = Config.from_env()
server = create_app(config, Service(config, root=Path({root!r}), load=by_rule)).server
"""


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


def test_two_workers_share_a_store_that_ends_with_the_server(
    repository: Path, tmp_path: Path, checkpoints: Path, encode: Callable[..., bytes]
) -> None:
    (tmp_path / "wsgi.py").write_text(WSGI.format(root=str(checkpoints)))
    config = str(repository / "Dashboard" / "gunicorn.conf.py")
    settings = {"MODEL": "plain", "WEB_CONCURRENCY": "2", "PYTHONPATH": str(repository)}
    head = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
    body = head + encode("benign") + b"\r\n--x--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    with gunicorn(tmp_path, tmp_path / "log", "-c", config, "wsgi:server", **settings) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        connection.request("GET", "/assessments")
        response = connection.getresponse()
        response.read()
        headers["Cookie"] = response.headers["Set-Cookie"].split(";")[0]
        connection.close()

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
