"""`config show` and `config schema`; the list of settings for `train --help`."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from quality.output import write_text
from retraining.cli.console import commands

app = commands()


@app.command()
def show(
    recipe: Annotated[str, typer.Argument(help="Name of a shipped recipe, or a YAML file.")],
    set_: Annotated[list[str] | None, typer.Option("--set", help="key=value")] = None,
) -> None:
    """Print all settings that a recipe resolves to, as YAML."""
    import yaml

    from retraining.training.config import load_recipe

    settings = load_recipe(recipe, set_ or []).to_dict()
    typer.echo(yaml.safe_dump(settings, sort_keys=False), nl=False)


@app.command()
def schema(
    out: Annotated[Path | None, typer.Option(help="Write it here instead of printing it.")] = None,
) -> None:
    """Print the JSON schema of a recipe, by which editors complete and check one."""
    import json

    from retraining.training.config import json_schema

    text = json.dumps(json_schema(), indent=2, ensure_ascii=False)
    if out:
        write_text(out, text + "\n")
    else:
        typer.echo(text)


def print_settings(console: Console) -> None:
    """Every setting of a training in its group: what it means, what it takes and its default."""
    from retraining.schema import accepted, keys
    from retraining.training.settings import GROUPS

    console.print("Settings, for a recipe or --set key=value:", style="bold")
    width = max(len(name) for group in GROUPS for name, _ in keys(group))
    for group in GROUPS:
        console.print(f"\n{group.__doc__}", style="bold", highlight=False)
        table = Table.grid(Column(width=width + 2), Column(), padding=(0, 0, 0, 2))
        for name, field in keys(group):
            default = field.get_default(call_default_factory=True, validated_data={})
            takes = f"{accepted(field)}; default: {_text(default)}"
            table.add_row(name, Text(f"{field.description} ").append(f"({takes})", style="dim"))
        console.print(table)


def _text(value: Any) -> str:
    """A default as one would write it in YAML."""
    import yaml

    from retraining.schema import Settings

    if isinstance(value, tuple):
        value = [one.model_dump() if isinstance(one, Settings) else one for one in value]
    text: str = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=1000)
    return text.removesuffix("...\n").strip()
