"""A real gunicorn, for the tests of this folder."""

import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LISTENING = re.compile(r"Listening at: http://127\.0\.0\.1:(\d+)")


class Server:
    """A running gunicorn: `call` sends it a request, `log` is what it wrote."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self.port = 0

    @property
    def log(self) -> str:
        return self._log.read_text()

    def call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()


@contextmanager
def gunicorn(cwd: Path, log: Path, *arguments: str, **environ: str) -> Iterator[Server]:
    command = [sys.executable, "-m", "gunicorn", "-b", "127.0.0.1:0", *arguments]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GUNICORN")}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=cwd, env=clean | environ, stdout=output, stderr=subprocess.STDOUT
        )
        server = Server(log)
        try:
            deadline = time.monotonic() + 120
            while not (found := LISTENING.search(server.log)):
                assert process.poll() is None, server.log
                assert time.monotonic() < deadline, server.log
                time.sleep(0.05)
            server.port = int(found[1])
            yield server
        finally:
            process.terminate()
            process.wait(60)
