"""gunicorn's settings for `dash_ham:server`; found by starting gunicorn in this folder."""

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import cv2

ROOT = str(Path(__file__).resolve().parents[1])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from Dashboard.config import Config  # noqa: E402
from Dashboard.web import cores  # noqa: E402
from Dashboard.web.log import Log  # noqa: E402
from Dashboard.web.worker import Worker  # noqa: E402
from models.inference.cores import usable_cores  # noqa: E402
from models.inference.memory import return_freed_blocks, return_large_blocks  # noqa: E402

try:
    _config = Config.from_env()
except ValueError as error:
    sys.exit(f"Dashboard: {error}")

_cores = usable_cores()
# After so long without a request a model other than the default one is let go.
TIDY_SECONDS, UNUSED_SECONDS = 20.0, 120.0
# What gunicorn itself would make of it is refused to whoever comes by another path.
os.environ.pop("SCRIPT_NAME", None)
os.environ["BASE_PATH"] = _config.base_path

# The application draws its examples before the fork. OpenCV's threads would not survive that, and
# a worker that changes their number would wait for them for ever: the master must start none.
cv2.setNumThreads(1)

wsgi_app = "dash_ham:server"
bind = f"0.0.0.0:{_config.port}"
# The application is imported once and shared; each worker compiles the model after the fork.
preload_app = True
worker_class = Worker
logger_class = Log
Worker.most_body_bytes = _config.max_body_bytes
Worker.most_at = {"assessments": _config.max_archive_bytes}
Worker.trusted = _config.trusted_proxies
workers = _config.workers or cores.workers(_cores)
# Most of them wait for their turn on the cores; for clients, `Dashboard.web.worker` does.
threads = 32
# One that waits for a client costs a file descriptor.
worker_connections = 900
# Longest silence of a worker before it is replaced, and longest wait for its last requests.
timeout = 60
graceful_timeout = 30
keepalive = 30
# The heartbeat file of a worker: in memory where there is such a place.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
limit_request_line = 4094
# A proxy may say which path it serves this below; `Dashboard.web.proxy` looks at it.
forwarded_allow_ips = ",".join(map(str, _config.trusted_proxies))
forwarder_headers = "SCRIPT_NAME"
secure_scheme_headers: dict[str, str] = {}
sendfile = False
control_socket_disable = True
errorlog = "-"
accesslog = "-"
# Neither addresses, query, user agent nor anything of what was uploaded.
access_log_format = "%(t)s %(m)s %(U)s %(s)s %(B)s bytes %(M)s ms"


def when_ready(server: Any) -> None:
    """Make what the workers share, before they are made: the store, the explanations' queue."""
    extensions = server.app.wsgi().extensions
    for name, missing in (("store", "nothing can be kept"), ("jobs", "no explanations")):
        try:
            extensions[name].prepare()
        except Exception as error:  # the API says so where it is asked for
            server.log.warning("%s: %s", missing, error)


def on_exit(server: Any) -> None:
    """Leave no process behind, and no file that is not to be kept."""
    if server.app.callable is not None:
        server.app.callable.extensions["jobs"].close()
        server.app.callable.extensions["store"].close()


def post_worker_init(worker: Any) -> None:
    """Load the default model before this worker takes requests."""
    processes = worker.cfg.workers
    at_once, threads = cores.share(_cores, processes), cores.threads(_cores, processes)
    cv2.setNumThreads(at_once)
    return_large_blocks()
    worker.wsgi.extensions["store"].start_tidying()
    try:
        worker.wsgi.extensions["service"].warm_up(threads, cores.streams(threads), at_once)
    except Exception as error:  # the worker stays up: /ready and the pages say what is missing
        worker.log.error("the default model is not loaded: %s", error)
    threading.Thread(target=_tidy, args=[worker], daemon=True).start()


def _tidy(worker: Any) -> None:
    """Give back, from time to time, what a worker needs no longer."""
    while True:
        time.sleep(TIDY_SECONDS)
        worker.wsgi.extensions["service"].release_unused(UNUSED_SECONDS)
        return_freed_blocks()
