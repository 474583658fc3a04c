"""Tests see the product from outside: none reads a name that begins with an underscore."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

# What other libraries call so, although it is there to be used.
OF_LIBRARIES = {
    "_replace": "collections.namedtuple",
}


def private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in OF_LIBRARIES


def private_names(source: str) -> Iterator[str]:
    """Where the source of a test reaches into what is another's: `LINE: NAME`.

    An attribute of `self`, or one that a class or function of the file itself sets or defines, is
    the test's own.
    """
    tree = ast.parse(source)
    own = {node.name for node in ast.walk(tree) if hasattr(node, "name")}
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls")):
                continue
            case ast.Attribute(attr=name) if private(name) and name not in own:
                yield f"{node.lineno}: {name}"
            case ast.ImportFrom(names=names):
                yield from (f"{node.lineno}: {one.name}" for one in names if private(one.name))
            case ast.Call(
                func=ast.Attribute(attr="setattr" | "delattr") | ast.Name(id="getattr" | "setattr"),
                args=arguments,
            ):
                for argument in arguments[:2]:
                    text = argument.value if isinstance(argument, ast.Constant) else None
                    if isinstance(text, str) and private(text.rpartition(".")[2]):
                        yield f"{node.lineno}: {text}"


def test_no_test_reads_a_private_name(repository: Path) -> None:
    found = [
        f"{file.relative_to(repository)}:{place}"
        for file in sorted((repository / "tests").rglob("*.py"))
        for place in private_names(file.read_text())
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("service._loaded", ["1: _loaded"]),
        ("make().store._redis.keys()", ["1: _redis"]),
        ("from retraining.evaluation.ood import _rejected", ["1: _rejected"]),
        ("monkeypatch.setattr(jobs, '_sender', None)", ["1: _sender"]),
        ("monkeypatch.setattr('retraining.features.Source._make', None)",
         ["1: retraining.features.Source._make"]),
        ("getattr(service, '_load')", ["1: _load"]),
        ("class A:\n    def f(self):\n        self._mine = 1\n        return self._mine", []),
        ("def _mine(): ...\nimport here\nhere._mine()", []),
        ("usage._replace(free=1); f.__name__; _, x = 1, 2", []),
    ],
)  # fmt: skip
def test_they_are_found(source: str, expected: list[str]) -> None:
    assert list(private_names(source)) == expected
