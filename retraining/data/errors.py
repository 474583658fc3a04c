"""What can be wrong with a data set."""


class DataError(ValueError):
    """A data folder that does not hold what is needed; `str(error)` is one sentence."""
