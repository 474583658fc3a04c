"""Messages of the queue of one machine arrive whole, whoever looks while they are written."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection

from Dashboard.explain.jobs.queue import FOLDERS, make_celery
from Dashboard.explain.jobs.transport import Channel

PRODUCERS, MESSAGES = 4, 150
PRODUCE = f"""
import sys, threading
from pathlib import Path
from Dashboard.explain.jobs.queue import make_celery
def produce():
    with make_celery(folder=Path(sys.argv[1])).connection_for_write() as connection:
        channel = connection.channel()
        for number in range({MESSAGES}):
            channel._put("explanations", {{"number": number, "text": "x" * 500}})
threads = [threading.Thread(target=produce) for _ in range({PRODUCERS})]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


@pytest.fixture
def channel(tmp_path: Path) -> Any:
    for name in FOLDERS:
        (tmp_path / name).mkdir()
    connection: Connection = make_celery(folder=tmp_path).connection_for_read()
    with connection:
        yield connection.channel()


def test_no_message_is_taken_half_written(
    channel: Channel, tmp_path: Path, repository: Path
) -> None:
    from queue import Empty

    producer = subprocess.Popen([sys.executable, "-c", PRODUCE, str(tmp_path)], cwd=repository)
    taken = []
    end = time.monotonic() + 60
    while len(taken) < PRODUCERS * MESSAGES and time.monotonic() < end:
        try:
            taken.append(channel._get("explanations")["number"])
        except Empty:
            continue
    assert producer.wait(10) == 0
    assert sorted(taken) == sorted(list(range(MESSAGES)) * PRODUCERS)
    assert [file for name in FOLDERS for file in (tmp_path / name).glob("*.msg")] == []


def test_a_table_that_is_being_written_is_read_again(
    channel: Channel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel._queue_bind("there", "key", None, "explanations")
    file = tmp_path / "control" / "there.exchange"
    whole = file.read_bytes()
    file.write_bytes(b"")
    monkeypatch.setattr(time, "sleep", lambda _: file.write_bytes(whole))
    assert [entry.queue for entry in channel.get_table("there")] == ["explanations"]
    file.write_bytes(b"")
    channel._queue_bind("there", "key", None, "explanations")
    assert file.read_bytes() == whole
