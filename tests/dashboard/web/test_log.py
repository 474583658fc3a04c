import io
import logging

import pytest
from gunicorn.config import Config

from Dashboard.web.log import Log, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("POST /predict 200", "POST /predict 200"),
        ("/a\n[now] forged", "/a\\n[now] forged"),
        ("/\x1b[31m\x07\r\x00\x7f", "/\\x1b[31m\\x07\\r\\x00\\x7f"),
        ("/\x9b31m\x85", "/\\x9b31m\\x85"),
        ("/\u202e\u2028\ud800", "/\\u202e\\u2028\\ud800"),
        ("/pränz", "/pränz"),
    ],
)
def test_what_a_terminal_would_obey(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_line_of_the_log_is_one_line_and_a_traceback_keeps_its_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Loggers are those of the process: servers of other tests may have left them handlers.
    for name in ("gunicorn.error", "gunicorn.access"):
        monkeypatch.setattr(logging.getLogger(name), "handlers", [])
    cfg = Config()
    cfg.set("accesslog", "-")
    log = Log(cfg)
    written = io.StringIO()
    for logger in (log.error_log, log.access_log):
        for handler in logger.handlers:
            if isinstance(handler, logging.StreamHandler):
                handler.setStream(written)
    log.access_log.info("GET /a\n[forged] line")
    log.warning("x\x1b[2Jy")
    try:
        raise ValueError("z")
    except ValueError:
        log.exception("failed")
    lines = written.getvalue().splitlines()
    assert lines[0].endswith("GET /a\\n[forged] line")
    assert lines[1].endswith("x\\x1b[2Jy")
    assert lines[2].endswith("failed")
    assert lines[3] == "Traceback (most recent call last):"
