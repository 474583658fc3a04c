"""The callbacks by which long functions say how far they are."""

from collections.abc import Callable

ProgressCallback = Callable[[int, int], None]
"""Called with the number of items done and their total."""

NamedProgressCallback = Callable[[str, int, int], None]
"""Called with what is being done, the number of items done and their total."""
