"""What a data set may have wrong with it."""

from dataclasses import dataclass, field
from pathlib import Path

from quality.names import printable
from quality.output import write_csv

# As the table calls it, and as a sentence does.
KINDS = {
    "ignored": "entries are ignored as none of what is read",
    "image without row": "images have no row in the metadata and are left out",
    "duplicate": "pictures are there twice under one id and are kept once",
    "same picture": "pictures have the bytes of another id",
    "contradiction": "pictures have the bytes of another id of another class",
    "row without image": "rows of the metadata have no image",
    "unreadable": "images cannot be decoded",
    "closed": "folders or links cannot be entered",
    "name": "images have a name that no table can hold",
}
GRAVE = ("row without image", "unreadable", "closed", "name")
COLUMNS = ("kind", "item", "detail")


@dataclass
class Problems:
    """What was found wrong, in the order found: rows of kind, item and detail."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, kind: str, item: object, detail: object = "") -> None:
        """Note one problem; `kind` is one of KINDS."""
        self.rows.append((kind, str(item), str(detail)))

    def sentences(self) -> dict[str, str]:
        """For each kind that was found, how many there are, and the first."""
        text = {}
        for kind, words in KINDS.items():
            found = [(item, detail) for k, item, detail in self.rows if k == kind]
            if found:
                item, detail = map(printable, found[0])
                text[kind] = f"{len(found)} {words}, the first is {item}"
                text[kind] += f" ({detail})" if detail else ""
        return text

    def write(self, path: Path) -> None:
        """Write the table; without problems it has its header alone."""
        write_csv(path, COLUMNS, (dict(zip(COLUMNS, row, strict=True)) for row in self.rows))
