"""Numbers as people read them."""

from models.checkpoint.card_text import percent as percent


def measure(value: float) -> str:
    """A measured value with three or four significant digits, thousands separated."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def duration(seconds: float) -> str:
    """A time in the unit that suits it."""
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def share(value: float) -> str:
    """A value in [0, 1] as a CSS length of its track."""
    return f"{100 * min(max(value, 0.0), 1.0):.2f}%"
