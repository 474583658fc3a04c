"""Pictures per second for many clients at once, against plain loops on all cores.

`python benchmarks/concurrency.py [--model NAME] [--rounds 3] [--seconds 2] [--clients 1,4,16]
[PICTURE...]`; by default drawn pictures of 600x450. The candidates take turns; medians of the
rounds are shown.

- plain loop: one process that decodes, gates and classifies one picture after the other, and
  nothing else, with all cores for the network.
- loop per core: as many such processes as there are cores, each on one. No picture waits for
  another and nothing is shared, so this is what the cores can do at most.
- threads: one process, `Service.assess` called by as many threads as there are clients, set up
  as a worker of the server is.
- server: gunicorn as shipped, `POST /predict` over kept connections; the clients' own work is
  on the same cores.
- kept: the same server, `POST /assessments`, as the worklist sends pictures: each client has a
  session of its own, and no picture comes twice.
"""

import argparse
import http.client
import json
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import cv2  # noqa: E402

import quality  # noqa: E402
from benchmarks.quality import drawn  # noqa: E402
from Dashboard.config import Config  # noqa: E402
from Dashboard.web import cores  # noqa: E402
from models.checkpoint.card import DEFAULT_MODEL, locate  # noqa: E402
from models.inference.cores import usable_cores  # noqa: E402

LOOP, PER_CORE = "plain loop", "loop per core"
EXPECTED = 0.8
START_SECONDS = 60
BOUNDARY = "-- -- picture -- --".replace(" ", "")


def loop_per_core(folder: Path, files: Sequence[bytes], seconds: float) -> float:
    """Pictures per second of one single-threaded process for each core, together."""
    # Spawned: OpenVINO's threads would not survive a fork.
    context = multiprocessing.get_context("spawn")
    count = usable_cores()
    start, results = context.Barrier(count), context.SimpleQueue()
    processes = [
        context.Process(target=_one_core, args=(folder, files, seconds, start, results))
        for _ in range(count)
    ]
    for process in processes:
        process.start()
    rate = sum(results.get() for _ in processes)
    for process in processes:
        process.join()
    return float(rate)


def _one_core(folder: Path, files: Sequence[bytes], seconds: float, start: Any, out: Any) -> None:
    from models.inference.classifier import Classifier

    cv2.setNumThreads(1)
    classifier = Classifier(folder, threads=1, streams=1)
    plain_loop(classifier, files, 0.1)
    start.wait()
    out.put(plain_loop(classifier, files, seconds))


def plain_loop(classifier: Any, files: Sequence[bytes], seconds: float) -> float:
    """Pictures per second, one after the other."""
    begin, done = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        image = quality.decode(files[done % len(files)])
        if quality.check(image).verdict == "accept":
            classifier.predict_one(image)
        done += 1
    return done / (time.perf_counter() - begin)


def clients_rate(
    clients: int, seconds: float, make: Callable[[], Callable[[int], None]]
) -> tuple[float, list[float]]:
    """Pictures per second, and each one's seconds, of `clients` threads.

    make: called by each thread; gives the function that handles picture number i.
    """
    latencies: list[float] = []
    ready = threading.Barrier(clients + 1)
    failures: list[BaseException] = []

    def work(first: int) -> None:
        try:
            handle = make()
            handle(first)
            ready.wait()
            number, until = first, time.perf_counter() + seconds
            while (begin := time.perf_counter()) < until:
                handle(number)
                latencies.append(time.perf_counter() - begin)
                number += clients
        except BaseException as error:
            failures.append(error)
            ready.abort()

    threads = [threading.Thread(target=work, args=(first,)) for first in range(clients)]
    for thread in threads:
        thread.start()
    try:
        ready.wait()
    except threading.BrokenBarrierError:
        raise failures[0] from None
    begin = time.perf_counter()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return len(latencies) / (time.perf_counter() - begin), latencies


def service_client(folder: Path, files: Sequence[bytes]) -> Callable[[], Callable[[int], None]]:
    """Calls to the service, set up as by the only worker of a server."""
    from Dashboard.assess.service import Service

    count = usable_cores()
    service = Service(Config(model=folder.name), root=folder.parent)
    service.warm_up(count, cores.streams(count))

    def handle(number: int) -> None:
        service.assess(files[number % len(files)])

    return lambda: handle


@contextmanager
def server(model: str) -> Iterator[int]:
    """gunicorn as shipped, on a free port, which is yielded once it is ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "dash_ham:server"],
        cwd=ROOT / "Dashboard",
        env=os.environ | {"PORT": str(port), "MODEL": model},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + START_SECONDS
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit("the server did not start; `make run` says why")
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def http_client(
    port: int, files: Sequence[bytes], path: str = "/predict"
) -> Callable[[], Callable[[int], None]]:
    """Uploads over one connection for each client; bodies are made beforehand."""
    head, end = (
        b'--%s\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n'
        b"Content-Type: image/jpeg\r\n\r\n" % BOUNDARY.encode(),
        b"\r\n--%s--\r\n" % BOUNDARY.encode(),
    )
    bodies = [head + data for data in files]

    def make() -> Callable[[int], None]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}

        def handle(number: int) -> None:
            own = number.to_bytes(4, "big") if path != "/predict" else b""
            connection.request("POST", path, bodies[number % len(bodies)] + own + end, headers)
            answer = connection.getresponse()
            body = json.loads(answer.read())
            if answer.status not in (200, 422) or "quality" not in body:
                raise SystemExit(f"{path} answered {answer.status}: {body.get('error')}")
            if (cookie := answer.headers["Set-Cookie"]) is not None:
                headers["Cookie"] = cookie.partition(";")[0]

        return handle

    return make


def main() -> None:
    from rich.console import Console
    from rich.table import Table

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("pictures", nargs="*", type=Path)
    parser.add_argument("--model", default=os.environ.get("MODEL", DEFAULT_MODEL))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each figure and round")
    parser.add_argument("--clients", default="1,4,16", help="numbers of clients")
    chosen = parser.parse_args()
    counts = [int(text) for text in chosen.clients.split(",")]
    found = quality.find_inputs(chosen.pictures).files
    files = [path.read_bytes() for path in found] or drawn()
    console = Console(highlight=False, width=110)
    folder = locate(chosen.model)
    export = [sys.executable, "-m", "models", "export", str(folder)]
    subprocess.run(export, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    with server(chosen.model) as port:
        rates, latencies = measure(folder, files, port, counts, chosen.rounds, chosen.seconds)
    table = Table(title=f"{folder.name}, {usable_cores()} cores", title_justify="left")
    for heading in ("", "pictures/s", "of the loop", "of one per core", "median", "95 %"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, rate in rates.items():
        shares = [f"{rate / rates[loop]:.2f}" for loop in (LOOP, PER_CORE)]
        waits = statistics.quantiles(latencies[name], n=20) if latencies.get(name) else []
        shown = [f"{waits[number] * 1e3:.0f} ms" for number in (9, 18)] if waits else []
        table.add_row(name, f"{rate:.1f}", *shares, *shown)
    console.print(table)
    console.print(f"expected of many clients: at least {EXPECTED} of the plain loop")


def measure(
    folder: Path,
    files: Sequence[bytes],
    port: int,
    counts: Sequence[int],
    rounds: int,
    seconds: float,
) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Each candidate's median rate over the rounds, and the seconds that its pictures took."""
    from models.inference.classifier import Classifier

    alone = Classifier(folder)
    clients = {
        "threads": service_client(folder, files),
        "server": http_client(port, files),
        "kept": http_client(port, files, "/assessments"),
    }
    rates: dict[str, list[float]] = {}
    latencies: dict[str, list[float]] = {}
    for _ in range(rounds):
        rates.setdefault(LOOP, []).append(plain_loop(alone, files, seconds))
        rates.setdefault(PER_CORE, []).append(loop_per_core(folder, files, seconds))
        for name, make in clients.items():
            for count in counts:
                label = f"{name}, {count} client{'s' if count > 1 else ''}"
                rate, taken = clients_rate(count, seconds, make)
                rates.setdefault(label, []).append(rate)
                latencies.setdefault(label, []).extend(taken)
    return {name: statistics.median(values) for name, values in rates.items()}, latencies


if __name__ == "__main__":
    main()
