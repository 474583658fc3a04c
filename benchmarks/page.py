"""What a browser waits for: headings, pages, the case of a picture; and what comes over the line.

`python benchmarks/page.py [--rounds 5]`, with Chromium on PATH or named in CHROMIUM. Medians of the
rounds, and the least and the most. Cold is a browser that was never here, warm one that was.

- heading: the page's heading is to be seen.
- drawn: Dash has drawn the page in its place, and it can be used.
- list: rows of the worklist can be seen.
- floor: a page of one heading by Dash and Mantine, without a callback or a style sheet of ours.
- verdict: from choosing a file on the worklist to its case beside the list.
- case: from a press on a row to the case of it, in a list of as many rows as were handed in; each
  is drawn by Dash.
"""

import argparse
import logging
import os
import shutil
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright  # noqa: E402

from benchmarks.concurrency import server  # noqa: E402
from benchmarks.memory import photographs  # noqa: E402
from models.checkpoint.card import DEFAULT_MODEL  # noqa: E402

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WANTED = {"heading": "h1", "drawn": "#react-entry-point h1", "list": ".ag-row"}
# When each was first to be seen in a frame, seconds after the address was asked for.
WATCH = """
window.seen = {};
const wanted = %r;
function look() {
  for (const [name, selector] of Object.entries(wanted)) {
    const found = [...document.querySelectorAll(selector)];
    if (!(name in seen) && found.some((one) => one.checkVisibility())) {
      seen[name] = performance.now() / 1000;
    }
  }
  requestAnimationFrame(look);
}
requestAnimationFrame(look);
"""


@contextmanager
def floor() -> Iterator[int]:
    """A page of one heading, on a port of its own."""
    import dash
    import dash_mantine_components as dmc
    from dash import html
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it names every request
    app = dash.Dash("floor", assets_folder="no-such-folder")
    app.layout = dmc.MantineProvider(html.H1("Heading"))
    listening = make_server("127.0.0.1", 0, app.server, threaded=True)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    yield listening.server_port
    listening.shutdown()


def visit(context: BrowserContext, address: str, last: str) -> tuple[dict[str, float], int, int]:
    """Seconds until each of `WANTED` was seen, bytes over the line, addresses fetched twice."""
    page = context.new_page()
    page.add_init_script(WATCH % WANTED)
    line = context.new_cdp_session(page)
    line.send("Network.enable")
    sizes: list[int] = []
    asked: list[str] = []
    line.on("Network.loadingFinished", lambda one: sizes.append(int(one["encodedDataLength"])))
    page.on("request", lambda one: asked.append(one.url) if one.method == "GET" else None)
    page.goto(address)
    page.wait_for_function("name => name in seen", arg=last)
    page.wait_for_load_state("networkidle")
    seen: dict[str, float] = page.evaluate("seen")
    page.close()
    return seen, sum(sizes), len(asked) - len(set(asked))


def opened(browser: Browser, address: str, rounds: int, last: str = "drawn") -> None:
    """Print how long a page takes, cold and warm."""
    found: dict[tuple[str, str], list[float]] = {}
    for _ in range(rounds):
        context = browser.new_context()
        for state in ("cold", "warm"):
            seen, size, twice = visit(context, address, last)
            for name, value in {**seen, "kB": size / 1000, "twice": twice}.items():
                found.setdefault((state, name), []).append(value)
        context.close()
    for (state, name), values in found.items():
        _tell(f"{state}, {name}", values, "" if name in ("kB", "twice") else "s")


def handed_in(browser: Browser, address: str, rounds: int, rows: int = 60) -> None:
    """Print how long a verdict takes, then how long the cases of a list of `rows` take."""
    files = photographs(0.27, rows)
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(address)
    page.locator("#react-entry-point #file-field").wait_for(state="attached")
    taken = []
    for number in range(rounds):
        begin = time.perf_counter()
        _choose(page, [(f"one-{number}.jpg", files[number])])
        _case(page, f"one-{number}.jpg")
        taken.append(time.perf_counter() - begin)
    _tell("verdict", taken, "s")
    rest = [(f"many-{number}.jpg", data) for number, data in enumerate(files[rounds:])]
    begin = time.perf_counter()
    _choose(page, rest)
    page.get_by_text(f"{rows} pictures").first.wait_for(timeout=120_000)
    _tell(f"{len(rest)} pictures, all in the list", [time.perf_counter() - begin], "s")
    taken = []
    cells = page.locator(".ag-row .ag-cell[col-id=file]")
    cells.nth(1).wait_for()
    for number in range(1, 1 + rounds):
        name = cells.nth(number).inner_text().splitlines()[0]
        begin = time.perf_counter()
        cells.nth(number).click()
        _case(page, name)
        taken.append(time.perf_counter() - begin)
    _tell(f"case, in a list of {rows}", taken, "s")
    page.close()


def _choose(page: Page, files: Sequence[tuple[str, bytes]]) -> None:
    chosen: list[Any] = [
        {"name": name, "mimeType": "image/jpeg", "buffer": data} for name, data in files
    ]
    page.locator("#file-field").set_input_files(chosen)


def _case(page: Page, name: str) -> None:
    page.locator("#case-panel").get_by_text(name).first.wait_for()


def _tell(what: str, values: Sequence[float], unit: str) -> None:
    least, most = min(values), max(values)
    print(f"  {what:32} {statistics.median(values):8.2f} {unit:2} ({least:.2f} to {most:.2f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        print("No Chromium found, nothing measured: install one, or name it in CHROMIUM")
        return
    with sync_playwright() as started, server(DEFAULT_MODEL) as port, floor() as empty:
        browser = started.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        print("floor")
        opened(browser, f"http://127.0.0.1:{empty}/", rounds)
        for path in ("/", "/models"):
            print(path)
            opened(browser, f"http://127.0.0.1:{port}{path}", rounds)
        print("worklist")
        handed_in(browser, f"http://127.0.0.1:{port}/", rounds)
        browser.close()


if __name__ == "__main__":
    main()
