from pathlib import Path

import pytest

from models.inference import cores


@pytest.mark.parametrize(
    ("text", "expected"),
    [("150000 100000", 1.5), ("max 100000", None), ("nonsense", None), ("1 0", None)],
)
def test_quota_of_a_container(tmp_path: Path, text: str, expected: float | None) -> None:
    limit = tmp_path / "cpu.max"
    limit.write_text(text)
    assert cores.container_quota(limit, tmp_path / "none") == expected


@pytest.mark.parametrize(("granted", "expected"), [("-1", None), ("50000", 0.5)])
def test_quota_of_an_older_container(tmp_path: Path, granted: str, expected: float | None) -> None:
    (tmp_path / "cpu.cfs_quota_us").write_text(f"{granted}\n")
    (tmp_path / "cpu.cfs_period_us").write_text("100000\n")
    assert cores.container_quota(tmp_path / "none", tmp_path) == expected


def test_no_container(tmp_path: Path) -> None:
    assert cores.container_quota(tmp_path / "none", tmp_path / "none") is None


@pytest.mark.parametrize(("limit", "expected"), [(None, 4), (1.5, 2), (0.2, 1), (64.0, 4)])
def test_usable_cores(monkeypatch: pytest.MonkeyPatch, limit: float | None, expected: int) -> None:
    monkeypatch.setattr(cores, "container_quota", lambda: limit)
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    assert cores.usable_cores() == expected
