from pathlib import Path

import pytest

from Dashboard.web import cores


@pytest.mark.parametrize(
    ("text", "expected"),
    [("150000 100000", 1.5), ("max 100000", None), ("nonsense", None), ("1 0", None)],
)
def test_quota_of_a_container(tmp_path: Path, text: str, expected: float | None) -> None:
    limit = tmp_path / "cpu.max"
    limit.write_text(text)
    assert cores.quota(limit, tmp_path / "none") == expected


@pytest.mark.parametrize(("granted", "expected"), [("-1", None), ("50000", 0.5)])
def test_quota_of_an_older_container(tmp_path: Path, granted: str, expected: float | None) -> None:
    (tmp_path / "cpu.cfs_quota_us").write_text(f"{granted}\n")
    (tmp_path / "cpu.cfs_period_us").write_text("100000\n")
    assert cores.quota(tmp_path / "none", tmp_path) == expected


def test_no_container(tmp_path: Path) -> None:
    assert cores.quota(tmp_path / "none", tmp_path / "none") is None


@pytest.mark.parametrize(("limit", "expected"), [(None, 4), (1.5, 2), (0.2, 1), (64.0, 4)])
def test_usable(monkeypatch: pytest.MonkeyPatch, limit: float | None, expected: int) -> None:
    monkeypatch.setattr(cores, "quota", lambda: limit)
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    assert cores.usable() == expected


@pytest.mark.parametrize(
    ("machine", "processes", "at_once", "threads", "streams"),
    [
        (1, 1, 1, 1, 1),
        (2, 2, 1, 2, 1),
        (2, 1, 2, 2, 1),
        (4, 4, 1, 2, 1),
        (16, 8, 2, 4, 2),
        (2, 5, 1, 2, 1),
    ],
)
def test_how_cores_are_divided(
    machine: int, processes: int, at_once: int, threads: int, streams: int
) -> None:
    assert cores.share(machine, processes) == at_once
    assert cores.threads(machine, processes) == threads
    assert cores.streams(threads) == streams


@pytest.mark.parametrize(("machine", "processes"), [(1, 1), (2, 2), (8, 8), (64, 8)])
def test_workers(machine: int, processes: int) -> None:
    assert cores.workers(machine) == processes
