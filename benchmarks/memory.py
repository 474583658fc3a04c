"""Memory of the server's processes: at the start, at its highest, and what stays.

`python benchmarks/memory.py [--pictures 200] [--megapixels 12] [--methods all|none|NAME,...]
[--precision Low]`, on Linux. Drawn photographs go to each checkpoint in turn, to `POST /predict`
and `POST /assessments`, from more clients than there are cores. Then each method explains one.
What stays is measured once the server has let go of what nobody asks for.
"""

import argparse
import io
import json
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import cv2  # noqa: E402
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

from benchmarks.concurrency import server  # noqa: E402
from interpretability.methods import METHODS  # noqa: E402
from models.checkpoint.card import DEFAULT_MODEL, WEIGHTS_DIR, available  # noqa: E402
from models.inference.cores import usable_cores  # noqa: E402

WEB, EXPLAINER = "web worker", "explanation worker"
EXPECTED_MB = {WEB: 350, EXPLAINER: 1300}
REST_SECONDS = 150  # as `gunicorn.conf.py` says, and a little more
WORDS = {"Dashboard.explain.jobs.worker": EXPLAINER, "gunicorn": WEB}


def photographs(megapixels: float, count: int = 3) -> list[bytes]:
    """JPEG files of a noisy lesion on skin, 4:3."""
    rng = np.random.default_rng(0)
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    width = height * 4 // 3
    files = []
    for _ in range(count):
        skin = np.full((height, width, 3), rng.integers(150, 230, 3), np.float32)
        axes = (width // 4, height // 4)
        cv2.ellipse(skin, (width // 2, height // 2), axes, 20, 0, 360, (90.0, 60.0, 50.0), -1)
        coarse = rng.normal(0, 9, (450, 600, 3)).astype(np.float32)
        skin += cv2.resize(coarse, (width, height)) + rng.integers(-6, 7, skin.shape)
        buffer = io.BytesIO()
        Image.fromarray(np.clip(skin, 0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=90)
        files.append(buffer.getvalue())
    return files


class Watch:
    """Memory of a server's processes: now, and the most that each had."""

    def __init__(self, port: int) -> None:
        self.most: dict[tuple[str, int], int] = {}
        self._port = f"PORT={port}".encode()
        threading.Thread(target=self._watch, daemon=True).start()

    def now(self) -> dict[tuple[str, int], int]:
        """MB in memory, by kind and number of the process."""
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if self._port not in (path / "environ").read_bytes().split(b"\0"):
                    continue
                command = (path / "cmdline").read_bytes().decode()
                resident = int((path / "statm").read_text().split()[1]) * 4096 // 2**20
            except OSError:
                continue
            for word, kind in WORDS.items():
                if word in command:
                    found[kind, int(path.name)] = resident
                    break
        return found

    def _watch(self) -> None:
        while True:
            for key, size in self.now().items():
                self.most[key] = max(size, self.most.get(key, 0))
            time.sleep(0.5)


def form(data: bytes, **fields: str) -> tuple[bytes, dict[str, str]]:
    """Body and headers of an upload."""
    head = b"".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    )
    head += b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
    return head + data + b"\r\n--x--\r\n", {"Content-Type": "multipart/form-data; boundary=x"}


def ask(port: int, method: str, path: str, *rest: Any) -> tuple[int, bytes, str]:
    """Status, body and the session's cookie of an answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=300)
    try:
        connection.request(method, path, *rest)
        response = connection.getresponse()
        cookie = (response.getheader("Set-Cookie") or "").partition(";")[0]
        return response.status, response.read(), cookie
    finally:
        connection.close()


def assess(port: int, files: Sequence[bytes], models: Sequence[str], count: int) -> None:
    """Have so many pictures assessed."""

    def one(number: int) -> int:
        model, data = models[number % len(models)], files[number % len(files)]
        path = "/assessments" if number % 2 else "/predict"
        return ask(port, "POST", path, *form(data, gate="false", model=model))[0]

    with ThreadPoolExecutor(usable_cores() + 2) as pool:
        answers = list(pool.map(one, range(count)))
    if set(answers) != {200}:
        raise SystemExit(f"the server answered {sorted(set(answers))}")


def explain(port: int, data: bytes, model: str, method: str, precision: str) -> str:
    """Have a picture explained; how that ended."""
    fields = {"gate": "false", "model": model, "method": method, "precision": precision}
    status, body, cookie = ask(port, "POST", "/explanations", *form(data, **fields))
    answer = json.loads(body)
    while status in (200, 202) and answer["state"] in ("queued", "running"):
        time.sleep(0.5)
        # An explanation is for the session that asked for it.
        place = f"/explanations/{answer['key']}"
        status, body, _ = ask(port, "GET", place, None, {"Cookie": cookie})
        answer = json.loads(body)
    return str(answer.get("state") or answer["error"])


def main() -> None:
    from rich.console import Console
    from rich.table import Table

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--megapixels", type=float, default=12.0)
    parser.add_argument("--methods", default="all")
    parser.add_argument("--precision", default="Low", help="of the explanations")
    chosen = parser.parse_args()
    methods = {"all": list(METHODS), "none": []}.get(chosen.methods, chosen.methods.split(","))
    console = Console(highlight=False, width=100)
    models, files = list(available(WEIGHTS_DIR)), photographs(chosen.megapixels)
    with server(DEFAULT_MODEL) as port:
        watch = Watch(port)
        start = watch.now()
        assess(port, files, models, chosen.pictures)
        for model in models:
            for method in methods:
                ended = explain(port, files[0], model, method, chosen.precision)
                if ended != "done":
                    console.print(f"{method} of {model}: {ended}")
        time.sleep(REST_SECONDS)
        end = watch.now()
    title = f"{chosen.pictures} pictures of {chosen.megapixels:g} megapixels, {len(models)} models"
    table = Table(title=title, title_justify="left")
    for heading in ("MB", "at the start", "at most", "stays", "expected"):
        table.add_column(heading, justify="left" if heading == "MB" else "right")
    for key, size in sorted(end.items()):
        cells = (start.get(key, "-"), watch.most.get(key, "-"), size, EXPECTED_MB[key[0]])
        table.add_row(key[0], *map(str, cells))
    console.print(table)


if __name__ == "__main__":
    main()
