"""Processes that are killed, and places that are full: what is left of what was kept."""

import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from Dashboard.api.server import create_server
from Dashboard.assess.service import Service
from Dashboard.config import MEBIBYTE, Config
from Dashboard.store import place
from Dashboard.store.errors import StoreFull, StoreUnavailable
from Dashboard.store.filters import Filters
from Dashboard.store.listing import whole
from Dashboard.store.store import Store
from tests.dashboard.sending import as_form
from tests.dashboard.store.conftest import Assessed

ALL = Filters()
# Keeps pictures, and deletes every third one again, and says so line by line.
KEEPING = """
import itertools, pickle, sys
from pathlib import Path
from Dashboard.store import place
from Dashboard.store.store import Store
config, data, assessment, shared = pickle.loads(Path(sys.argv[1]).read_bytes())
place.parent_folder = lambda _: shared
store = Store(config)
for number in itertools.count():
    picture = data + number.to_bytes(4, "big") + sys.argv[2].encode()
    key = store.keep("me", picture, assessment, str(number)).key
    print("kept", key, store.place.folder, flush=True)
    if number % 3 == 2:
        print("deleting", key, flush=True)
        store.delete("me", key)
        print("deleted", key, flush=True)
"""
Keeper = Callable[[Config], "contextmanager[subprocess.Popen[str]]"]


@pytest.fixture
def keeper(tmp_path: Path, repository: Path, assessed: Assessed) -> Keeper:
    """Starts a process that keeps pictures; it is killed at the end at the latest."""

    @contextmanager
    def start(config: Config) -> Iterator["subprocess.Popen[str]"]:
        start.number += 1
        order = tmp_path / f"order-{start.number}"
        order.write_bytes(pickle.dumps((config, *assessed["benign"], tmp_path)))
        command = [sys.executable, "-c", KEEPING, str(order), str(start.number)]
        with subprocess.Popen(
            command, cwd=repository, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    start.number = 0
    return start


@pytest.fixture
def in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where stores that are not durable lie in these tests."""
    monkeypatch.setattr(place, "parent_folder", lambda _: tmp_path)
    return tmp_path


def lines(process: "subprocess.Popen[str]", count: int) -> list[list[str]]:
    assert process.stdout is not None
    return [process.stdout.readline().split() for _ in range(count)]


def test_what_was_acknowledged_outlives_a_kill(config: Config, keeper: Keeper) -> None:
    said = []
    with keeper(config) as one, keeper(config) as other:
        said += lines(one, 9) + lines(other, 18)
        for process in (one, other):
            process.kill()
            assert process.stdout is not None
            # What it said before the kill counts, too; its last line may be cut off.
            said += [line.split() for line in process.stdout if line.endswith("\n")]
    store = Store(config)
    store.prepare()
    kept, deleting, deleted = (
        {line[1] for line in said if line[0] == word} for word in ("kept", "deleting", "deleted")
    )
    found = {item.key for item in whole(store, "me", ALL)}
    assert kept - deleting <= found
    assert deleted & found == set()
    # Of each process at most one that was about to be acknowledged.
    assert len(found - kept) <= 2
    pictures = {store.picture("me", key)[0] for key in found}
    files = [path for path in store.place.pictures.folder.rglob("*") if path.is_file()]
    assert len(pictures) == len(files) == len(found)
    store.close()


def test_the_next_start_leaves_no_picture_of_a_killed_server(
    in_memory: Path, keeper: Keeper
) -> None:
    config = Config(model="plain")
    with keeper(config) as process:
        folder = Path(lines(process, 1)[0][2])
        first = Store(config)
        first.prepare()  # beside a server that lives
        assert any(path.is_file() for path in (folder / "pictures").rglob("*"))
        first.close()
        process.kill()
        process.wait()
        assert folder.exists()
    second = Store(config)
    second.prepare()
    assert not folder.exists()
    mine = second.place.folder
    assert mine.parent == in_memory
    assert mine.stat().st_mode & 0o777 == 0o700
    second.close()
    assert not mine.exists()


def test_a_full_store_says_so_until_something_is_deleted(
    tmp_path: Path, assessed: Assessed
) -> None:
    store = Store(Config(data_dir=tmp_path, store_mb=1))
    data, assessment = assessed["benign"]
    keys: list[str] = []

    def fill() -> None:
        for number in range(20):
            keys.append(store.keep("me", data + bytes([number]), assessment).key)

    with pytest.raises(StoreFull, match=r"it holds at most 1 MB \(STORE_MB\); delete assessments"):
        fill()
    assert 3 <= len(keys) < 9
    store.keep("me", data + b"\0", assessment)  # what is there already takes no room
    files = [path for path in store.place.pictures.folder.rglob("*") if path.is_file()]
    assert len(files) == len(keys)
    store.change("me", keys[1], {"note": "still works"})
    store.delete("me", keys[1])
    store.keep("me", data + b"new", assessment)
    store.close()


def test_a_store_without_a_bound_does_not_add_up_what_it_holds(tmp_path: Path) -> None:
    """That would take longer with each picture, twice for each that comes."""
    store = Store(Config(data_dir=tmp_path))
    store.place.require_room(1, lambda: pytest.fail("added up"))
    store.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MB, as a container has for its memory."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    if os.getuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("a file system can be mounted by root alone")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_sixty_uploads_into_64_mb(small_disk: Path, assessed: Assessed) -> None:
    store = Store(Config(data_dir=small_disk))
    _, assessment = assessed["benign"]
    kept, refused = [], set()
    for number in range(60):
        try:
            kept.append(store.keep("me", os.urandom(2 * MEBIBYTE), assessment, str(number)).key)
        except StoreFull as error:
            refused.add(str(error))
    assert 20 < len(kept) < 30
    assert refused == {
        "the store is full: there is no room left where it lies; delete assessments and try again"
    }
    assert len(store.picture("me", kept[-1])[0]) == 2 * MEBIBYTE
    # Others fill the rest of the disk: a sentence, and what is there can be read and deleted.
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "rest").write_bytes(bytes(64 * MEBIBYTE))
    with pytest.raises(StoreFull, match="the store is full"):
        store.keep("me", os.urandom(2 * MEBIBYTE), assessment)
    assert len(store.page("me", ALL, limit=100).items) == len(kept)
    assert store.delete("me", kept[0]).count == 1
    assert store.delete_all("me").count == len(kept) - 1
    store.keep("me", os.urandom(2 * MEBIBYTE), assessment)
    store.close()


def test_deleting_needs_no_room(small_disk: Path, assessed: Assessed) -> None:
    """The journal holds more than a picture's file gives back: it is cut another time."""
    store = Store(Config(data_dir=small_disk))
    _, assessment = assessed["benign"]
    keys = [store.keep("me", os.urandom(200_000), assessment).key for _ in range(30)]
    store.change_many("me", keys, {"note": "x" * 4000})
    fill(small_disk)
    assert store.delete("me", keys[0]).count == 1
    store.tidy()
    assert store.delete_all("me").count == len(keys) - 1
    (small_disk / "rest").unlink()
    store.tidy()
    assert (small_disk / "store" / "store.sqlite3-wal").stat().st_size == 0
    store.close()


@pytest.mark.slow
@pytest.mark.parametrize("durable", [True, False])
def test_sixty_uploads_to_a_server_with_64_mb(
    small_disk: Path,
    make_service: Callable[..., Service],
    encode: Callable[..., bytes],
    durable: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the route that the worklist sends pictures to; nothing but sentences, and the way out."""
    monkeypatch.setattr(place, "parent_folder", lambda _: small_disk)
    service = make_service(data_dir=small_disk if durable else None)
    service.warm_up()
    server = create_server(service.config, service)
    browser = server.test_client()
    picture = encode("benign", ".jpg") + bytes(1_300_000)  # as large as a photograph
    answers = [
        as_form(browser, picture + bytes([n]), f"{n}.jpg", "/assessments") for n in range(60)
    ]
    kept = [answer.get_json()["id"] for answer in answers if answer.status_code == 200]
    refused = {answer.get_json()["error"] for answer in answers if answer.status_code != 200}
    assert 15 < len(kept) < 60
    assert {answer.status_code for answer in answers} == {200, 507}
    assert all(re.match("the store is full: .*; delete assessments", one) for one in refused)
    fill(small_disk)
    one = f"/assessments/{kept[0]}"
    for answer in (
        as_form(browser, picture, "a.jpg", "/assessments"),
        browser.post(f"{one}/again", json={}),
        browser.patch("/assessments", json={"ids": kept, "note": "x" * 4000}),
        browser.get(f"{one}/similar"),
    ):
        sentence = answer.get_json().get("error", "")
        assert answer.status_code in (200, 507)
        assert (answer.status_code == 507) == sentence.startswith("the store is full")
    assert len(browser.get("/assessments").get_json()["assessments"]) == len(kept)
    assert browser.get(f"{one}/picture").status_code == 200
    assert browser.delete(one).get_json() == {"success": True, "deleted": 1}
    assert browser.delete("/assessments").get_json()["deleted"] == len(kept) - 1
    (small_disk / "rest").unlink()
    assert as_form(browser, picture, "a.jpg", "/assessments").status_code == 200
    server.extensions["store"].close()


def fill(folder: Path) -> None:
    """Leave no byte free."""
    with suppress(OSError), (folder / "rest").open("wb", 0) as file:
        while True:
            file.write(bytes(4096))


def test_a_place_that_cannot_be_used_is_a_sentence(tmp_path: Path, assessed: Assessed) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="the store cannot use its files: Not a directory"):
        Store(Config(data_dir=tmp_path / "file")).prepare()
    nobody = "postgresql://tests@localhost:1/none"
    away = Store(Config(data_dir=tmp_path, database_url=nobody))
    with pytest.raises(StoreUnavailable, match="database cannot be used; the server's log says"):
        away.keep("me", *assessed["benign"])
    broken = Store(replace(Config(), data_dir=tmp_path / "broken"))
    broken.prepare()
    broken.close()
    (tmp_path / "broken" / "store" / "store.sqlite3").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreUnavailable, match="database cannot be used"):
        broken.prepare()
