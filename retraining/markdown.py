"""Tables in Markdown."""

from collections.abc import Sequence

Cells = list[str]


def markdown_table(head: Cells, rows: Sequence[Cells]) -> str:
    r"""A table in GitHub's Markdown, with a line break at its end.

    head: titles of the columns; rows: cells of each row, as many as there are titles. Pipes in
    cells are escaped and line breaks become spaces.

    Examples:
        >>> print(markdown_table(["model", "n"], [["a|b", "3"]]))
        | model | n |
        | --- | --- |
        | a\|b | 3 |
        <BLANKLINE>
    """
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(c) for c in line) + " |" for line in lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
