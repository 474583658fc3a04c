"""Why there is no explanation; the messages are for users."""

from Dashboard.store.explanation_rows import KEEP


class Unavailable(RuntimeError):  # noqa: N818 (named like ModelNotReady)
    """No explanation can be made now; the message is for users."""


class UnknownJob(LookupError):  # noqa: N818
    """There is no job under the key, or none any more; the message is for users."""

    def __init__(self, sentence: str | None = None) -> None:
        super().__init__(
            sentence
            or "there is no such explanation of yours, or none any more: those of pictures that "
            f"are not kept are kept for {KEEP.seconds // 60} minutes"
        )


class NotDone(RuntimeError):  # noqa: N818
    """A job has no results yet; the message is for users."""
