"""The server's log: a line is one line, whatever the request that it is about."""

import logging
from typing import Any

from gunicorn.glogging import Logger


def printable(text: str) -> str:
    """`text` with escapes for what a terminal would obey, or a reader take for another line."""
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text
    )


class OneLine(logging.Formatter):
    """Formats a record as another formatter does, its message on one line.

    The lines of a traceback stay lines.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        """The line, without what only looks like an end of it."""
        return printable(super().formatMessage(record))


class Log(Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's logger, whose lines nobody can forge."""

    def setup(self, cfg: Any) -> None:
        """As gunicorn does, for all of its handlers."""
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            for handler in log.handlers:
                form = handler.formatter
                if form is not None:
                    handler.setFormatter(OneLine(form._fmt, form.datefmt))
