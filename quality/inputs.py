"""Which files a list of files and folders means, and what of the folders is left out."""

import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from quality.formats import ACCEPTED, is_picture
from quality.names import printable

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".webp", ".tif", ".tiff", ".bmp"})
"""Endings, in lower case, by which a picture is recognised inside a folder."""

NOTE_SUFFIXES = frozenset(
    {".csv", ".db", ".htm", ".html", ".ini", ".json", ".jsonl", ".log", ".md", ".npy", ".toml"}
    | {".tsv", ".txt", ".xls", ".xlsx", ".xml", ".yaml", ".yml"}
)
"""Endings, in lower case, of tables, notes and settings, which nobody takes for pictures."""

SYSTEM_FOLDERS = frozenset(
    {"__macosx", "@eadir", "@tmp", "#recycle", "#snapshot", "@recycle", "@recently-snapshot"}
    | {"$recycle.bin", "system volume information", "lost+found"}
)
"""Names, in lower case, of what systems and storage servers put beside people's files."""

NAMED = 3
"""How many of the files that are left out are named."""

HEAD = 1024
"""Bytes of a file that tell what it is."""


@dataclass(frozen=True)
class Inputs:
    """What a list of files and folders means.

    files: to be read, each once: what was named itself, whatever it is, and the pictures below the
        folders. What is `closed` is among them, so that it gets a row with its reason.
    others: below the folders, what is no picture by its content; not tables and notes.
    hidden: pictures, by their endings, that are hidden or lie in hidden or system folders.
    loops: links to a folder above them, which are not followed.
    closed: folders that cannot be entered and links to what is not there, with the reason.
    """

    files: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    hidden: list[Path] = field(default_factory=list)
    loops: list[Path] = field(default_factory=list)
    closed: dict[Path, str] = field(default_factory=dict)

    def sentences(self) -> list[str]:
        """What was left out, for people: a sentence for each kind, none where that is nothing.

        Examples:
            >>> Inputs(others=[Path("a.pdf"), Path("b")]).sentences()
            ['2 files are no pictures by their content (JPEG, PNG, WebP, TIFF or BMP is accepted) \
and were left out: a.pdf, b']
        """
        found = []
        if self.others:
            one = len(self.others) == 1
            are = "is no picture by its content" if one else "are no pictures by their content"
            accepted = f"({ACCEPTED} is accepted)"
            found.append(_said(self.others, "file", f"{are} {accepted} and", "left out"))
        if self.hidden:
            place = "that is hidden or in a hidden or system folder"
            if len(self.hidden) > 1:
                place = "that are hidden or in hidden or system folders"
            found.append(_said(self.hidden, "picture", place, "left out"))
        if self.loops:
            back = "leads back" if len(self.loops) == 1 else "lead back"
            found.append(_said(self.loops, "link", f"{back} to a folder above and", "not followed"))
        if self.closed:
            reasons = [f"{printable(path)} ({why})" for path, why in self.closed.items()]
            found.append(_said(reasons, "folder or link", "", "not readable", "folders or links"))
        return found


def find_inputs(paths: Iterable[str | Path]) -> Inputs:
    """The files that `paths` mean, and what is left out of the folders among them.

    A file named itself is always included, and so is a path that is not there: reading it says
    why. A folder gives, sorted, the pictures below it at any depth: what ends in one of
    `IMAGE_SUFFIXES`, and of the rest, notes aside, what is a picture by its content, in a format
    that is not accepted as well, since that is somebody's picture. Links are followed, each
    folder is entered once, and what hides (`is_hidden`) is not entered.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("b.JPG", "a.png", "list.csv", ".c.png"):
        ...         Path(folder, name).touch()
        ...     [path.name for path in find_inputs([folder]).files]
        ['a.png', 'b.JPG']
    """
    named = [Path(path) for path in paths]
    inputs = Inputs()
    entered: set[str] = set()
    files: dict[Path, None] = {}
    for path in named:
        if os.path.isdir(path):  # noqa: PTH112 (a name that is too long raises in Path.is_dir)
            below = _Walk(entered)
            below.walk(path)
            files.update(dict.fromkeys(sorted([*below.found.files, *below.found.closed])))
            inputs.others.extend(sorted(below.found.others))
            inputs.hidden.extend(sorted(below.found.hidden))
            inputs.loops.extend(sorted(below.found.loops))
            inputs.closed.update(below.found.closed)
        else:
            files[path] = None
    inputs.files.extend(files)
    inputs.others[:] = [path for path in inputs.others if path not in files]
    inputs.hidden[:] = [
        path
        for path in inputs.hidden
        if path not in files and os.path.realpath(path.parent) not in entered
    ]
    return inputs


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is none that people keep pictures in.

    Examples:
        >>> [is_hidden(name) for name in (".trash", "@eaDir", "._IMG_1.jpg", "2026", "..")]
        [True, True, True, False, False]
    """
    dotted = name.startswith(".") and name not in (".", "..")
    return dotted or name.lower() in SYSTEM_FOLDERS


class _Walk:
    """One folder, walked; `entered` holds the real paths of all folders that were."""

    def __init__(self, entered: set[str]) -> None:
        self.found = Inputs()
        self._entered = entered
        self._links: list[Path] = []

    def walk(self, folder: Path) -> None:
        self._enter(folder, os.path.realpath(folder), hidden=False)
        # Real folders first: a link to one of them then adds nothing, and names stay those that
        # people see.
        while self._links:
            link = self._links.pop(0)
            real = os.path.realpath(link)
            inside = os.path.realpath(link.parent)
            if real in self._entered:
                continue
            if os.path.commonpath([real, inside]) == real:
                self.found.loops.append(link)
            else:
                self._enter(link, real, hidden=False)

    def _enter(self, folder: Path, real: str, *, hidden: bool) -> None:
        waiting = [(folder, real, hidden)]
        while waiting:
            folder, real, hidden = waiting.pop()
            if not hidden:  # what hides may still be named, or linked from where it shows
                if real in self._entered:
                    continue
                self._entered.add(real)
            try:
                with os.scandir(folder) as entries:
                    inside = sorted(entries, key=lambda entry: entry.name)
            except OSError as error:
                if not hidden:
                    self.found.closed[folder] = error.strerror or str(error)
                continue
            for entry in inside:
                path, hides = Path(entry.path), hidden or is_hidden(entry.name)
                try:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append((path, str(Path(real, entry.name)), hides))
                    elif not entry.name.startswith("._"):  # AppleDouble: a Mac's attributes
                        self._add(path, entry, hides)
                except OSError as error:  # a link to what is not there, or to itself
                    self.found.closed[path] = error.strerror or str(error)

    def _add(self, path: Path, entry: os.DirEntry[str], hidden: bool) -> None:
        suffix = path.suffix.lower()
        if hidden:
            if suffix in IMAGE_SUFFIXES:
                self.found.hidden.append(path)
            return
        mode = entry.stat().st_mode
        if stat.S_ISDIR(mode):
            self._links.append(path)
        elif not stat.S_ISREG(mode):
            # A pipe, a socket or a device is not opened: reading it may never end.
            self.found.others.append(path)
        elif suffix in IMAGE_SUFFIXES or (suffix not in NOTE_SUFFIXES and _may_be_picture(path)):
            self.found.files.append(path)
        elif suffix not in NOTE_SUFFIXES:
            self.found.others.append(path)


def _may_be_picture(path: Path) -> bool:
    """Whether a file is a picture by its content; one that cannot be opened may be."""
    try:
        with path.open("rb") as file:
            return is_picture(file.read(HEAD))
    except OSError:
        return True


def _said(
    paths: Sequence[str | Path], what: str, that: str, how: str, several: str | None = None
) -> str:
    count = len(paths)
    noun, were = (what, "was") if count == 1 else (several or f"{what}s", "were")
    more = f" and {count - NAMED} more" if count > NAMED else ""
    names = ", ".join(path if isinstance(path, str) else printable(path) for path in paths[:NAMED])
    return " ".join(filter(None, (f"{count} {noun}", that, f"{were} {how}: {names}{more}")))
