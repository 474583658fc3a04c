"""Starting servers and waiting for them, for the tests of this folder."""

import socket
import subprocess
import time
import urllib.error
import urllib.request

STARTS_WITHIN = 120.0  # seconds; it takes three on an idle machine


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str, server: subprocess.Popen[bytes]) -> bool:
    """Wait until an address answers 200; False when the server ends first or time is up."""
    end = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return True
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    return False
