"""A worker: `python -m Dashboard work`, or the process that a server's supervisor keeps."""

import argparse
import contextlib
import ctypes
import logging
import os
import secrets
import signal
import socket
import sys
import threading
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

from Dashboard.config import Config
from Dashboard.explain.jobs.computing import EXPLAINER, THREADS, Explain, HereComputing, find
from Dashboard.explain.jobs.lanes import Queues, consume, task, wake_queues
from Dashboard.explain.jobs.order import LANES
from Dashboard.explain.jobs.remote import RemoteWork, ThereComputing
from Dashboard.explain.jobs.supervisor import UP_FILE
from Dashboard.explain.jobs.work import Work
from Dashboard.store.explanation_rows import ExplanationRows
from Dashboard.store.explanation_work import ExplanationWork
from Dashboard.store.place import Place
from models.checkpoint.card import WEIGHTS_DIR
from models.inference.memory import return_large_blocks

PR_SET_PDEATHSIG = 1  # of Linux's prctl
# Jobs that a server has with workers elsewhere at once, in each lane.
ELSEWHERE = 8

logger = logging.getLogger(__name__)


def main(arguments: list[str]) -> None:
    """Take a server's jobs until killed."""
    parser = argparse.ArgumentParser(prog="python -m Dashboard.explain.jobs.worker")
    parser.add_argument("folder", type=Path, help="of the server's jobs")
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--explainer", required=True)
    parser.add_argument("--load", help="checkpoint to open before the first job")
    options = parser.parse_args(arguments)
    die_with_the_parent(options.parent)
    prepare_process()
    config = Config.from_env()
    if options.load and config.redis_url is None:
        open_model(find(options.explainer), options.load)
    queues = wake_queues(options.folder, config.database_url)
    place = Place(config, options.store)
    (options.folder / UP_FILE).touch()
    take_rows(config, place, queues, options.folder.name, options.explainer)


def run(config: Config, explainer: str = EXPLAINER) -> None:
    """A worker of its own, on any machine.

    Raises:
        ValueError: there is nothing that it could have in common with a server.
        StoreUnavailable: the store cannot be used.
    """
    prepare_process()
    if config.redis_url is not None:
        RemoteWork(config.redis_url, HereComputing(explainer)).run()
        return
    if config.database_url is None:
        raise ValueError(
            "a worker of its own needs REDIS_URL, or DATABASE_URL and the server's DATA_DIR; "
            "without them the dashboard keeps a worker itself"
        )
    name = f"{socket.gethostname()[:32]}-{os.getpid()}-{secrets.token_hex(4)}"
    place = Place(config)
    place.database.upgrade()
    take_rows(config, place, wake_queues(None, config.database_url), name, explainer)


def take_rows(config: Config, place: Place, queues: Queues, name: str, explainer: str) -> None:
    """Work on the rows of a store until a signal ends this; what is not done others get at once."""
    url = config.redis_url
    compute = HereComputing(explainer) if url is None else ThereComputing(url)
    rows = ExplanationRows(lambda: place, lambda: datetime.now(UTC))
    work = Work(ExplanationWork(rows), name, compute)
    work.work.release(name)
    wake = {lane: task(queues[lane], partial(work.take, lane)) for lane in LANES}
    end = threading.Event()
    threading.Thread(target=work.keep, args=[queues, wake, end], daemon=True).start()
    consume(queues, THREADS if url is None else dict.fromkeys(LANES, ELSEWHERE))
    end.set()
    work.work.release(name)
    place.close()


def prepare_process() -> None:
    """As each worker needs it."""
    return_large_blocks()
    logging.basicConfig(level=logging.WARNING, format="[explain] %(levelname)s %(message)s")


def open_model(explain: Explain, model: str) -> None:
    """Explain a grey picture, so that library and network are loaded when somebody waits."""
    grey = np.full((64, 64, 3), 128, np.uint8)
    try:
        explain(
            grey,
            model=model,
            method="gradcam",
            precision="Low",
            target=None,
            progress=lambda _: None,
            cancelled=lambda: False,
            root=WEIGHTS_DIR,
        )
    except Exception as error:  # the first job says it again, to who asked
        logger.warning("%s cannot be explained: %s", model, error)


def die_with_the_parent(parent: int) -> None:
    """End with the process that started this one, however that ends; Linux only."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
