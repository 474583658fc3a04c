"""Hours of mixed use in minutes: what a server answers, and what its processes hold, by the minute.

`python benchmarks/soak.py [--minutes 30] [--rate 1] [--csv FILE]`, on Linux. At a fixed rate: good
pictures to `POST /predict`, kept and deleted assessments, explanations (Grad-CAM), broken and empty
files, pages. A line a minute is written to FILE as it is
measured, so that a run that is stopped has its minutes.
"""

import argparse
import collections
import csv
import itertools
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.concurrency import server  # noqa: E402
from benchmarks.memory import EXPLAINER, WEB, Watch, ask, explain, form, photographs  # noqa: E402
from models.checkpoint.card import DEFAULT_MODEL  # noqa: E402

PAGES = ("/", "/models", "/health", "/ready", "/docs", "/compare")
EXPECTED = {"good": {200}, "broken": {400, 413, 415, 422}, "kept": {200, 201, 204}, "page": {200}}
COLUMNS = ("minute", "requests", "unexpected", "slowest_s", "web_mb", "explainer_mb", "descriptors")
Outcome = tuple[str, int | str, float]


def visit(port: int, files: list[bytes], number: int) -> Outcome:
    """One request of the mix, what kind it was, its status and how long it took."""
    data, start = files[number % len(files)], time.monotonic()
    kind, status = "good", 0
    try:
        match number % 10:
            case 0 | 1 | 2 | 3 | 4:
                status = ask(port, "POST", "/predict", *form(data, gate="false"))[0]
            case 5:
                kind, broken = "broken", (b"", data[: len(data) // 3], b"%PDF-1.7", b"\0" * 4096)
                status = ask(port, "POST", "/predict", *form(broken[number // 10 % 4]))[0]
            case 6:
                kind, status = "kept", _keep_and_delete(port, data)
            case 7 if number % 50 == 7:
                kind = "explanation"
                return kind, explain(port, data, DEFAULT_MODEL, "gradcam", "Low"), _since(start)
            case _:
                kind = "page"
                status = ask(port, "GET", PAGES[number // 10 % len(PAGES)])[0]
    except OSError as error:
        return kind, type(error).__name__, _since(start)
    return kind, status, _since(start)


def _keep_and_delete(port: int, data: bytes) -> int:
    body, headers = form(data, gate="false")
    status, answer, cookie = ask(port, "POST", "/assessments", body, headers)
    if status not in EXPECTED["kept"]:
        return status
    path = f"/assessments/{json.loads(answer)['id']}"
    return ask(
        port, "DELETE", path, None, {"Cookie": cookie, "Origin": f"http://127.0.0.1:{port}"}
    )[0]


def _since(start: float) -> float:
    return time.monotonic() - start


def is_expected(outcome: Outcome) -> bool:
    """Whether an answer is what a sound server gives."""
    kind, status, _ = outcome
    return status == "done" if kind == "explanation" else status in EXPECTED[kind]


def _descriptors(watch: Watch) -> int:
    """The most that a process of the server has open."""
    counts = [0]
    for _, process in watch.now():
        try:
            counts.append(len(list(Path(f"/proc/{process}/fd").iterdir())))
        except OSError:
            continue
    return max(counts)


def soak(port: int, minutes: int, rate: float, out: TextIO) -> collections.Counter[tuple[str, str]]:
    """Keep a server busy; returns how many answers of each kind there were, by status."""
    files, watch = photographs(2.0, 3) + photographs(0.3, 3), Watch(port)
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    found: collections.Counter[tuple[str, str]] = collections.Counter()
    begin, numbers = time.monotonic(), itertools.count()
    with ThreadPoolExecutor(8) as pool:
        for minute in range(1, minutes + 1):
            waiting = []
            while _since(begin) < 60 * minute:
                waiting.append(pool.submit(visit, port, files, next(numbers)))
                time.sleep(1 / rate)
            outcomes = [one.result() for one in waiting]
            found.update((kind, str(status)) for kind, status, _ in outcomes)
            held = watch.now()
            wrong = [one for one in outcomes if not is_expected(one)]
            slowest = max(took for *_, took in outcomes)
            sizes = [
                max((mb for (kind, _), mb in held.items() if kind == wanted), default=0)
                for wanted in (WEB, EXPLAINER)
            ]
            row = [minute, len(outcomes), len(wrong), f"{slowest:.1f}", *sizes, _descriptors(watch)]
            table.writerow(row)
            out.flush()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--rate", type=float, default=1.0, help="requests a second")
    parser.add_argument("--csv", type=Path, help="default: the standard output")
    chosen = parser.parse_args()
    with server(DEFAULT_MODEL) as port:
        out = chosen.csv.open("w", encoding="utf-8") if chosen.csv else sys.stdout
        found = soak(port, chosen.minutes, chosen.rate, out)
    for (kind, status), count in sorted(found.items()):
        print(f"{kind:12} {status:>12} {count:6}")


if __name__ == "__main__":
    main()
