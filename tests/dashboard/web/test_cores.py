import pytest

from Dashboard.web import cores


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
