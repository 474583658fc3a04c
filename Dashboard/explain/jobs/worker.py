"""`python -m Dashboard.explain.jobs.worker FOLDER`: the worker that a server's supervisor keeps."""

import argparse
import contextlib
import ctypes
import logging
import os
import signal
import sys
import warnings
from pathlib import Path

import numpy as np
from celery.exceptions import SecurityWarning  # type: ignore[import-untyped]

from Dashboard.explain.jobs.queue import make_celery, register
from Dashboard.explain.jobs.room import BoundedStore
from Dashboard.explain.jobs.spool import VALUES
from Dashboard.explain.jobs.work import Explain, find
from models.checkpoint.card import WEIGHTS_DIR
from models.inference.memory import return_large_blocks

logger = logging.getLogger(__name__)

PR_SET_PDEATHSIG = 1  # of Linux's prctl


def main(arguments: list[str]) -> None:
    """Take jobs until killed."""
    parser = argparse.ArgumentParser(prog="python -m Dashboard.explain.jobs.worker")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--explainer", required=True)
    parser.add_argument("--load", help="checkpoint to open before the first job")
    options = parser.parse_args(arguments)
    die_with_the_parent(options.parent)
    return_large_blocks()
    logging.basicConfig(level=logging.WARNING, format="[explain] %(levelname)s %(message)s")
    if options.load:
        open_model(find(options.explainer), options.load)
    # Celery's advice against root is about pickled messages, and this queue takes none.
    warnings.simplefilter("ignore", SecurityWarning)
    app = make_celery(folder=options.folder)
    register(app, BoundedStore(options.folder / VALUES), options.explainer)
    # No other workers to talk to: this is the only one of its queue.
    quiet = {"quiet": True, "without_gossip": True, "without_mingle": True}
    app.Worker(loglevel="WARNING", without_heartbeat=True, **quiet).start()


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
