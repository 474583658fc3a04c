"""Two machines: network namespaces with a cable each to this one, where root can make them.

Elsewhere they are processes with folders of their own, which reach this machine by itself.
"""

import contextlib
import os
import shutil
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """A machine.

    command: what a command begins with that runs there; empty: here.
    server: the address of this machine, as seen from there.
    """

    command: tuple[str, ...]
    server: str


@contextmanager
def two_machines() -> Iterator[list[Machine]]:
    """Makes them, and takes them away."""
    with contextlib.ExitStack() as made:
        try:
            machines = [made.enter_context(_namespace(number)) for number in (1, 2)]
        except OSError:
            machines = [Machine((), "127.0.0.1")] * 2
        yield machines


@contextmanager
def _namespace(number: int) -> Iterator[Machine]:
    if os.getuid() != 0 or shutil.which("ip") is None:
        raise OSError
    name, net = f"lesions{os.getpid()}x{number}", f"10.213.{os.getpid() % 200}.{4 * number}"
    here, there = (f"{net.rpartition('.')[0]}.{4 * number + one}" for one in (1, 2))
    cable = f"lv{os.getpid()}x{number}"
    inside = ["-n", name]
    _ip("netns", "add", name)
    try:
        _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("addr", "add", f"{here}/30", "dev", cable)
        _ip("link", "set", cable, "up")
        _ip(*inside, "addr", "add", f"{there}/30", "dev", "eth0")
        _ip(*inside, "link", "set", "eth0", "up")
        yield Machine(("ip", "netns", "exec", name), here)
    finally:
        _ip("netns", "del", name)


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True)
    if done.returncode != 0:
        raise OSError(done.stderr.decode())


@contextmanager
def forwarded(path: str) -> Iterator[int]:
    """A TCP port of all addresses of this machine that leads to a socket in a folder.

    It ends once all have left who use it.
    """

    class PassOn(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.socket(socket.AF_UNIX) as server:
                server.connect(path)
                back = threading.Thread(target=_pass_on, args=(server, self.request))
                back.start()
                _pass_on(self.request, server)
                back.join()

    with socketserver.ThreadingTCPServer(("0.0.0.0", 0), PassOn) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
