"""Which scripts and styles the page loads, in which order, and what else `assets/` serves."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from Dashboard import app as factory

DOCS = "shell/docs.css"
ASSETS = Path(factory.__file__).parent / "assets"


def loaded(client: FlaskClient, suffix: str) -> list[str]:
    """The page's own files with this suffix, below `assets/`, as the page names them."""
    addresses = re.findall(r'(?:src|href)="/assets/([^"?]+)', client.get("/").text)
    return [address for address in addresses if address.endswith(suffix)]


@pytest.mark.parametrize("suffix", [".js", ".css"])
def test_every_file_is_loaded_once_and_the_shell_first(client: FlaskClient, suffix: str) -> None:
    found = loaded(client, suffix)
    here = {file.relative_to(ASSETS).as_posix() for file in ASSETS.rglob(f"*{suffix}")}
    assert sorted(found) == sorted(here - {DOCS})
    assert f'href="/assets/{DOCS}"' in client.get("/docs").text
    shell = [name.startswith("shell/") for name in found]
    assert shell == sorted(shell, reverse=True)


def test_the_scheme_is_set_before_any_style(
    client: FlaskClient,
) -> None:
    text = client.get("/").text
    assert text.index("/assets/shell/scheme.js") < text.index('rel="stylesheet"')
    assert loaded(client, ".js") == ["shell/scheme.js"]


def test_nothing_else_lies_in_the_assets() -> None:
    """Whatever lies there is served, whether the page names it or not."""
    found = {file.suffix for file in ASSETS.rglob("*") if file.is_file()}
    assert found == {".js", ".mjs", ".css", ".svg"}


def test_modules_are_loaded_once_and_what_they_share_by_them_alone(client: FlaskClient) -> None:
    """A module that the page names with its time, and another imports without, would run twice."""
    here = [file.relative_to(ASSETS) for file in ASSETS.rglob("*.mjs")]
    named = {file.as_posix() for file in here if file.parts[0] != "shell"}
    assert set(loaded(client, ".mjs")) == named
    imported = {
        (script.parent / address).resolve().relative_to(ASSETS).parts[0]
        for script in ASSETS.rglob("*.mjs")
        for address in re.findall(r'from "([^"]+)"', script.read_text(encoding="utf-8"))
    }
    assert imported <= {"shell"}


def test_every_picture_is_one_that_a_style_names_and_served(client: FlaskClient) -> None:
    named = {
        (style.parent / address).resolve().relative_to(ASSETS).as_posix()
        for style in ASSETS.rglob("*.css")
        for address in re.findall(r'url\("([^"]+)"\)', style.read_text(encoding="utf-8"))
    }
    there = {file.relative_to(ASSETS).as_posix() for file in ASSETS.rglob("*.svg")}
    assert named == there - {"shell/favicon.svg"}
    for name in named:
        with client.get(f"/assets/{name}") as response:
            assert (response.status_code, response.mimetype) == (200, "image/svg+xml")


def test_no_script_takes_the_server_to_be_at_the_root() -> None:
    """Behind a proxy addresses begin with a path of the proxy's: `lesions.url` puts it there."""
    for script in ASSETS.rglob("*.*js"):
        found = re.findall(r"""["'`]/[a-z_]""", script.read_text(encoding="utf-8"))
        assert found == [], script.name


def test_callbacks_are_registered_where_dash_runs_the_module_for_each_application() -> None:
    """Of another module they would be known to the first application of a process alone."""
    for module in (ASSETS.parent / "ui").rglob("*.py"):
        if module.name != "layout.py":
            source = module.read_text(encoding="utf-8")
            assert (
                re.findall(r"^(?:@?(?:dash\.)?(?:clientside_)?callback\()", source, re.M) == []
            ), module


# What AG Grid, Plotly and Dash draw themselves; `docs.css` is for Swagger UI alone.
OTHERS = re.compile(
    r"ag-|js-plotly-plot|[xy]axislayer-above|gridlayer|cb(axis|title)|g-[xy]title|legend|react-entry"
)


def strings(source: Path) -> Iterator[str]:
    """The strings of a script or a module, what is filled into them as `{}`."""
    text = source.read_text(encoding="utf-8")
    if source.suffix != ".py":
        for found in re.findall(r'"([^"\n]*)"|`([^`]*)`', text):
            yield from (re.sub(r"\$\{[^}]*\}", "{}", one) for one in found)
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.JoinedStr):
            parts = (getattr(part, "value", None) for part in node.values)
            yield "".join(part if isinstance(part, str) else "{}" for part in parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def names(text: str) -> list[str]:
    """The classes and ids that a string may name: of markup, of a selector, or alone."""
    marked = re.findall(r'(?:class|id)="([^"]*)"', text)
    alone = [text] if re.fullmatch(r"[\w{}.#:()>, -]*", text) else []
    return [name for one in marked + alone for name in re.split(r"[^\w{}-]+", one)]


def test_every_class_and_id_that_a_style_names_is_drawn() -> None:
    sources = [
        Path(factory.__file__),
        *ASSETS.rglob("*.*js"),
        *(ASSETS.parent / "ui").rglob("*.py"),
    ]
    drawn = {name for one in sources for text in strings(one) for name in names(text)}
    filled = {word.removesuffix("{}") for word in drawn if re.fullmatch(r"[a-z]+-\{\}", word)}

    def is_drawn(name: str) -> bool:
        begun = any(name.startswith(one) and name.removeprefix(one) in drawn for one in filled)
        return name in drawn or begun or bool(OTHERS.match(name))

    undrawn = [
        f"{style.relative_to(ASSETS)}: {name}"
        for style in sorted(ASSETS.rglob("*.css"))
        if style.relative_to(ASSETS).as_posix() != DOCS
        for rules in [re.sub(r"(?s)/\*.*?\*/", "", style.read_text(encoding="utf-8"))]
        for selector in re.findall(r"([^{};@]+)\{", rules)
        for name in re.findall(r"[.#](-?[A-Za-z_][\w-]*)", selector)
        if not is_drawn(name)
    ]
    assert undrawn == []
