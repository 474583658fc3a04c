"""Scripts of component packages: which come with every page, with what draws them, or never.

Of the packages' scripts those of AG Grid are half, and one page has a grid. Dash's renderer fetches
what an answer names as `dist` before it draws the answer.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import dash
import flask

GRID = "dash_ag_grid"
_GRID_SCRIPTS = ("dash_ag_grid.min.js", "async-community.js")
# A table that no page has. (Babel's polyfill is used: a figure needs its `regeneratorRuntime`.)
_UNUSED = ("dash_table/bundle",)
Resource = dict[str, Any]


class Packages(dash.Dash):
    """Dash, whose pages name no more scripts of packages than all of them use."""

    def _collect_and_register_resources(
        self, resources: Iterable[Resource], *settings: Any, **named: Any
    ) -> Any:
        """Their addresses, but for what is fetched late, which is served all the same."""
        found = list(_used(resources))
        return super()._collect_and_register_resources(found, *settings, **named)  # type: ignore[no-untyped-call]

    def grid_scripts(self) -> list[dict[str, str]]:
        """The grid's scripts, as an answer names them."""
        scripts = [{"relative_package_path": name, "namespace": GRID} for name in _GRID_SCRIPTS]
        named = super()._collect_and_register_resources(scripts)  # type: ignore[no-untyped-call]
        return [{"type": "_js_dist", "url": url} for url in named]


def _used(resources: Iterable[Resource]) -> Iterator[Resource]:
    for one in resources:
        paths = one.get("relative_package_path")
        if one.get("namespace") == GRID:
            yield {**one, "dynamic": True}
        elif paths:
            listed = [paths] if isinstance(paths, str) else paths
            kept = [path for path in listed if not path.startswith(_UNUSED)]
            yield {**one, "relative_package_path": kept}
        else:
            yield one


def with_grid() -> None:
    """Let the answer to this request bring the scripts of the grid."""
    flask.g.brings_grid = True


def bring_scripts(app: Packages) -> None:
    """Add to Dash's answers the scripts that they bring."""
    server: flask.Flask = app.server

    @server.after_request
    def add(response: flask.Response) -> flask.Response:
        if flask.g.get("brings_grid") and response.mimetype == "application/json":
            answer = response.get_json() | {"dist": app.grid_scripts()}
            response.set_data(json.dumps(answer))
        return response
