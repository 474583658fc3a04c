"""The real server below a path of a real nginx; skipped where there is none."""

import http.client
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.dashboard.serving import Server, gunicorn

PROGRAM = shutil.which("nginx", path=os.environ["PATH"] + os.pathsep + "/usr/sbin")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(PROGRAM is None, reason="there is no nginx")]

NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location /stripped/ {{
      proxy_pass http://127.0.0.1:{inside}/;
      proxy_set_header X-Forwarded-Prefix /stripped;
    }}
    location /kept/ {{
      proxy_pass http://127.0.0.1:{inside};
      proxy_set_header X-Forwarded-Prefix /kept;
    }}
    location /named/ {{
      proxy_pass http://127.0.0.1:{inside}/;
      proxy_set_header SCRIPT_NAME /named;
    }}
  }}
}}
"""


@pytest.fixture(scope="module")
def nginx(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """nginx before a server without its model, as a user with no rights would start it."""
    folder = tmp_path_factory.mktemp("nginx")
    outside = Server(folder / "error")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        outside.port = probe.getsockname()[1]
    log, where = folder / "log", repository / "Dashboard"
    command = [str(PROGRAM), "-c", str(folder / "conf"), "-p", str(folder)]
    with gunicorn(where, log, "dash_ham:server", MODEL="absent", WEB_CONCURRENCY="1") as server:
        settings = NGINX.format(folder=folder, port=outside.port, inside=server.port)
        (folder / "conf").write_text(settings)
        process = subprocess.Popen(command)
        try:
            deadline = time.monotonic() + 20
            while process.poll() is None and time.monotonic() < deadline:
                with suppress(ConnectionError):
                    socket.create_connection(("127.0.0.1", outside.port)).close()
                    break
                time.sleep(0.05)
            yield outside
        finally:
            process.terminate()
            process.wait(20)


@pytest.mark.parametrize("base", ["/stripped", "/kept", "/named"])
def test_behind_nginx_below_a_path(nginx: Server, base: str) -> None:
    assert nginx.call("GET", f"{base}/health") == (200, {"status": "ok"})
    assert nginx.call("GET", f"{base}/openapi.json")[1]["servers"] == [{"url": base}]
    status, body = nginx.call("POST", f"{base}/predict", bytes(2**20), {"Content-Type": "text/x"})
    assert (status, body["success"]) == (415, False)
    for page in ("/", "/docs"):
        with closing(http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=60)) as connection:
            connection.request("GET", base + page)
            text = connection.getresponse().read().decode()
            addresses = re.findall(r'(?:src|href)="([^"]+)"', text)
            assert len(addresses) > 3
            for address in addresses:
                assert address.startswith(f"{base}/")
                # Some are a page for a browser and the API's for others.
                connection.request("GET", address, headers={"Accept": "text/html"})
                response = connection.getresponse()
                assert (response.status, len(response.read()) > 100) == (200, True)
