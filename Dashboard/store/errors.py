"""What the store says where it cannot do what it is asked; every message is for users."""


class StoreUnavailable(RuntimeError):  # noqa: N818 (named like ModelNotReady)
    """The database cannot be reached, or has no place."""


class StoreFull(RuntimeError):  # noqa: N818
    """There is no room for another picture."""


class UnknownItem(LookupError):  # noqa: N818
    """There is no such assessment of this owner."""


class TooMany(RuntimeError):  # noqa: N818
    """So many explanations wait that there may not be another one."""


class UnknownExplanation(LookupError):  # noqa: N818
    """There is no such explanation of this owner, or none any more."""
