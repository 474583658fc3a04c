"""Reads the imports of Python files without running them, for the tests of this folder."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDERS = ("quality", "models", "retraining", "studies", "interpretability", "Dashboard")


@dataclass(frozen=True)
class Import:
    """One imported module, absolute, and where it stands.

    typing_only: under `if TYPE_CHECKING:`, so never carried out.
    inner: in a function, so carried out only when that is called.
    """

    module: str
    file: Path
    line: int
    inner: bool
    typing_only: bool

    @property
    def top(self) -> str:
        """The distribution's or folder's import name: the part before the first dot."""
        return self.module.partition(".")[0]

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.module}"


def imports_of(file: Path, root: Path) -> list[Import]:
    """Every import of one file below `root`.

    Relative imports are made absolute; `import_module("...")` and `__import__("...")` count.
    """
    return list(_imports(file.read_text(encoding="utf-8"), file.relative_to(root)))


@cache
def _imports(text: str, relative: Path) -> tuple[Import, ...]:
    """As `imports_of`, once for a text: several tests ask for all files of a folder."""
    tree = ast.parse(text, filename=str(relative))
    return tuple(
        Import(module, relative, getattr(node, "lineno", 0), inner, typing_only)
        for node, inner, typing_only in _walk(tree, False, False)
        for module in _modules(node, relative.parent.parts)
    )


def imports_below(folder: Path, root: Path) -> list[Import]:
    """Every import of every Python file below `folder`."""
    return [found for file in sorted(folder.rglob("*.py")) for found in imports_of(file, root)]


def arrows(folder: Path, root: Path) -> dict[tuple[str, str], list[Import]]:
    """The imports between what stands in `folder`: its files and its sub-folders, each as one.

    Keys are the importing and the imported one's names.
    """
    package = ".".join(folder.relative_to(root).parts) + "."
    members = {file.stem for file in folder.glob("*.py")} - {"__init__"}
    members |= {file.parent.name for file in folder.glob("*/__init__.py")}
    found: dict[tuple[str, str], list[Import]] = {}
    for one in imports_below(folder, root):
        here = one.file.relative_to(folder.relative_to(root)).parts[0].removesuffix(".py")
        there = one.module.removeprefix(package).partition(".")[0]
        if one.module.startswith(package) and there in members and there != here:
            found.setdefault((here, there), []).append(one)
    return found


def floors(found: dict[tuple[str, str], list[Import]]) -> int:
    """How many floors the importing and imported ones stand on, at least 1.

    Raises:
        ValueError: they import each other in a circle, which the message names.
    """
    below: dict[str, set[str]] = {}
    for here, there in found:
        below.setdefault(here, set()).add(there)
    height: dict[str, int] = {}

    def floor(one: str, way: tuple[str, ...]) -> int:
        if one in way:
            raise ValueError(" -> ".join((*way[way.index(one) :], one)))
        if one not in height:
            lower = [floor(other, (*way, one)) for other in below.get(one, ())]
            height[one] = 1 + max(lower, default=0)
        return height[one]

    return max((floor(one, ()) for one in below), default=1)


def _walk(node: ast.AST, inner: bool, typing_only: bool) -> Iterator[tuple[ast.AST, bool, bool]]:
    for child in ast.iter_child_nodes(node):
        in_function = inner or isinstance(
            child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
        )
        guarded = typing_only or (isinstance(child, ast.If) and _is_type_checking(child.test))
        yield child, in_function, guarded
        if isinstance(child, ast.If) and guarded and not typing_only:
            for statement in child.body:
                yield statement, in_function, True
                yield from _walk(statement, in_function, True)
            for statement in child.orelse:
                yield statement, in_function, False
                yield from _walk(statement, in_function, False)
        else:
            yield from _walk(child, in_function, guarded)


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"


def _modules(node: ast.AST, package: tuple[str, ...]) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=module, names=names, level=level):
            base = list(package[: len(package) - level + 1]) if level else []
            base += [module] if module else []
            if base:
                # `from models import export` names a module just as `import models.export` does.
                return [".".join([*base, alias.name]) for alias in names]
            return [alias.name for alias in names]
        case ast.Call(func=function, args=[ast.Constant(value=str(module)), *_]):
            name = (
                function.attr
                if isinstance(function, ast.Attribute)
                else getattr(function, "id", "")
            )
            return [module] if name in {"import_module", "__import__"} else []
    return []
