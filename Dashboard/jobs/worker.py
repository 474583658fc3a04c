"""`python -m Dashboard.jobs.worker FOLDER`: the worker that a server's supervisor keeps."""

import argparse
import contextlib
import ctypes
import logging
import os
import signal
import sys
import warnings
from pathlib import Path

from celery.exceptions import SecurityWarning

from Dashboard.jobs.files import FileStore
from Dashboard.jobs.queue import make_celery, register
from Dashboard.jobs.spool import VALUES
from Dashboard.jobs.work import find

PR_SET_PDEATHSIG = 1  # of Linux's prctl


def main(arguments: list[str]) -> None:
    """Take jobs until killed."""
    parser = argparse.ArgumentParser(prog="python -m Dashboard.jobs.worker")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--explainer", required=True)
    parser.add_argument("--load", action="store_true")
    options = parser.parse_args(arguments)
    die_with_the_parent(options.parent)
    logging.basicConfig(level=logging.WARNING, format="[explain] %(levelname)s %(message)s")
    if options.load:
        find(options.explainer)
    # Celery's advice against root is about pickled messages, and this queue takes none.
    warnings.simplefilter("ignore", SecurityWarning)
    app = make_celery(folder=options.folder)
    register(app, FileStore(options.folder / VALUES), options.explainer)
    # No other workers to talk to: this is the only one of its queue.
    quiet = {"quiet": True, "without_gossip": True, "without_mingle": True}
    app.Worker(loglevel="WARNING", without_heartbeat=True, **quiet).start()


def die_with_the_parent(parent: int) -> None:
    """End with the process that started this one, however that ends; Linux only."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
