"""How quickly the store answers with many assessments: `python benchmarks/store.py [--n N]...`.

For each number of assessments (10,000 and 100,000) prints the median and the longest of 15 requests
to the API, without a socket: pages of the list, filters, one assessment, one that is kept, one that
is deleted; and the process's memory before and after the list as a table. The promises are 300 ms
for a page or a filter and 150 ms for one assessment with 10,000, twice that with 100,000.
`--database-url` measures a PostgreSQL, which must be empty.
"""

import argparse
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import cv2  # noqa: E402
import numpy as np  # noqa: E402
from flask.testing import FlaskClient  # noqa: E402
from sqlalchemy import insert, inspect, select, text  # noqa: E402

from Dashboard.app import create_app  # noqa: E402
from Dashboard.assess.service import Service  # noqa: E402
from Dashboard.config import Config  # noqa: E402
from Dashboard.store.items import risk  # noqa: E402
from Dashboard.store.schema import Item  # noqa: E402
from Dashboard.store.store import Store  # noqa: E402

NUMBERS = (10_000, 100_000)
REPEATS = 15
SMALL = {"page": 300.0, "one": 150.0}  # milliseconds
PATH = "/assessments"
VERDICTS = ("no_appointment", "consultation", "retake", "none")
CODES = ("nv", "mel", "bcc", "bkl")


def picture() -> bytes:
    """A file of a drawn picture that is sharp enough."""
    noise = np.random.default_rng(0).integers(0, 256, (45, 60, 3), np.uint8)
    drawn = cv2.resize(noise, (600, 450), interpolation=cv2.INTER_NEAREST)
    return bytes(cv2.imencode(".jpg", drawn)[1])


def fill(store: Store, key: str, number: int) -> None:
    """Copy an assessment until there are `number`, ten of them a minute."""
    columns = [column.key for column in inspect(Item).mapper.column_attrs]
    with store.place.database.writing("benchmark") as session:
        first = session.scalars(select(Item).where(Item.key == key)).one()
        values = {name: getattr(first, name) for name in columns if name != "id"}
        rows = []
        for n in range(number - 1):
            created = datetime.now(UTC) - timedelta(seconds=6 * n)
            file = f"ward-{n % 7}/IMG_{n:06d}.jpg"
            of_one = {"key": f"{n:022d}", "created": created, "file": file}
            of_one |= {"file_folded": file.casefold(), "verdict": VERDICTS[n % 4]}
            of_one |= {"p_malignant": n % 1000 / 1000, "flag": n % 50 == 0, "upload": None}
            of_one |= {"risk": risk(VERDICTS[n % 4], n % 1000 / 1000), "code": CODES[n % 4]}
            of_one |= {"certainty": "uncertain" if n % 9 == 0 else "clear"}
            rows.append(values | of_one)
        session.execute(insert(Item), rows)
    if store.place.database.url.get_backend_name() == "postgresql":
        # What it does by itself where assessments come one by one, and not all in one second.
        engine = store.place.database.engine.execution_options(isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("VACUUM ANALYZE"))


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """Median and longest time in milliseconds."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times), max(times)


def memory() -> int:
    """Of this process, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 // 2**20


def measure(number: int, database_url: str | None) -> None:
    """Print the times with so many assessments."""
    with tempfile.TemporaryDirectory() as folder:
        config = Config(data_dir=Path(folder), database_url=database_url)
        service = Service(config)
        service.warm_up()
        server = create_app(config, service).server
        client, store = server.test_client(), server.extensions["store"]
        data = picture()
        client.get(PATH)

        def keep(byte: int = 0) -> str:
            body = {"image": (io.BytesIO(data + bytes([byte])), "IMG_new.jpg")}
            answer = client.post(PATH, data=body | {"gate": "false"}).get_json()
            return str(answer["id"])

        fill(store, keep(), number)
        before, middle = memory(), f"{number // 2:022d}"
        print(f"\n{number:,} assessments, {store.place.database.url.get_backend_name()}")
        print(f"{'':34}{'median':>8}{'longest':>9}{'promised':>10}")
        bound = number / NUMBERS[0] >= 10
        half = client.get(f"{PATH}/{middle}").get_json()["created"]
        moment = datetime.fromisoformat(half).strftime("%Y-%m-%dT%H:%M:%SZ")
        for name, query, promise in (
            ("first page of 100", "", "page"),
            ("the most urgent", "?sort=urgent", "page"),
            ("a page in the middle", f"?until={moment}", "page"),
            ("verdict", "?verdict=consultation", "page"),
            ("class", "?code=mel", "page"),
            ("a part of a name, common", "?text=ward-3", "page"),
            ("a part of a name, not there", "?text=nobody", "page"),
            ("numbered, by urgency", "?sort=urgent&start=0", "page"),
            ("numbered, by file", "?sort=file&start=0", "page"),
            ("numbered, by probability", "?sort=p_malignant&start=0", "page"),
            ("numbered, from the middle", f"?sort=urgent&start={number // 2}", "page"),
            ("uncertain ones, by urgency", "?certainty=uncertain&sort=urgent&start=0", "page"),
            ("flagged, of a class", "?flag=true&code=mel&sort=file&start=0", "page"),
            ("a range of probability", "?p_malignant_min=0.4&sort=urgent&start=0", "page"),
            ("one assessment", f"/{middle}", "one"),
            ("its picture", f"/{middle}/picture", "one"),
            ("a case, drawn", middle, "one"),
        ):
            ask = ok if query != middle else draw
            median, longest = timed(lambda ask=ask, query=query: ask(client, query))
            promised = SMALL[promise] * (2 if bound else 1)
            print(f"{name:34}{median:6.0f} ms{longest:6.0f} ms{promised:7.0f} ms")
        numbers = iter(range(1, 200))
        print(
            "{:34}{:6.0f} ms{:6.0f} ms".format(
                "keep (assessed first)", *timed(lambda: keep(next(numbers)))
            )
        )
        keys = iter([keep() for _ in range(REPEATS)])
        print(
            "{:34}{:6.0f} ms{:6.0f} ms".format(
                "delete", *timed(lambda: client.delete(f"{PATH}/{next(keys)}"))
            )
        )
        start = time.perf_counter()
        lines = sum(part.count(b"\n") for part in client.get(f"{PATH}?format=csv").iter_encoded())
        print(f"{lines:,} lines of CSV in {time.perf_counter() - start:.1f} s")
        start = time.perf_counter()
        client.delete(PATH)
        print(
            f"all deleted in {time.perf_counter() - start:.1f} s; memory {before} to {memory()} MB"
        )
        store.close()


def ok(client: FlaskClient, query: str) -> None:
    """A request that must succeed."""
    assert client.get(PATH + query).status_code == 200


def draw(client: FlaskClient, key: str) -> None:
    """The case beside the list, as the page asks for it."""
    outputs = [("case-panel", "children"), ("decisions", "hidden")]
    body = {
        "output": f"..{'...'.join(map('.'.join, outputs))}..",
        "outputs": [{"id": name, "property": what} for name, what in outputs],
        "inputs": [{"id": "open", "property": "data", "value": key}],
        "changedPropIds": ["open.data"],
    }
    answer = client.post("/_dash-update-component", json=body)
    assert answer.status_code == 200
    assert key in answer.text


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, action="append", help="number of assessments")
    parser.add_argument("--database-url")
    options = parser.parse_args()
    for number in options.n or NUMBERS:
        measure(number, options.database_url)


if __name__ == "__main__":
    main()
