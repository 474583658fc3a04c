"""Help and `config`: quick, and complete."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from retraining.__main__ import app
from retraining.schema import keys
from retraining.training.config import SCHEMA_FILE, TrainConfig, load_recipe

HEAVY = {"torch", "lightning", "pandas", "yaml", "sklearn", "scipy", "plotly", "pydantic"}
runner = CliRunner()


def test_the_commands_import_no_library_that_takes_long(repository: Path) -> None:
    program = f"import sys, retraining.__main__; print(*sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=repository, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_the_help_of_train_lists_every_setting_with_its_default_and_bounds() -> None:
    done = runner.invoke(app, ["train", "--help"])
    assert done.exit_code == 0
    for name, field in keys(TrainConfig):
        assert f"\n{name} " in done.output
        assert field.description
    text = " ".join(done.output.split())
    assert "(one of adam, adamw, sgd; default: adamw)" in text
    assert "(0 to below 1; default: 0.2)" in text
    assert "(a whole number, 2 or more; default: 32)" in text


def test_config_show_prints_what_a_recipe_resolves_to() -> None:
    done = runner.invoke(app, ["config", "show", "last_layer", "--set", "lr=1e-2"])
    assert done.exit_code == 0
    assert yaml.safe_load(done.output) == load_recipe("linear_probe", ["lr=1e-2"]).to_dict()


def test_config_schema_is_what_lies_beside_the_recipes(tmp_path: Path) -> None:
    assert runner.invoke(app, ["config", "schema", "--out", str(tmp_path / "s")]).exit_code == 0
    assert (tmp_path / "s").read_text() == SCHEMA_FILE.read_text()
    assert json.loads(runner.invoke(app, ["config", "schema"]).output)["title"] == "Recipe"


def test_a_misspelt_setting_is_one_sentence() -> None:
    done = runner.invoke(app, ["config", "show", "quick", "--set", "image_size=3"])
    assert isinstance(done.exception, ValueError)
    with pytest.raises(ValueError, match=r"unknown key image_size; did you mean size\?"):
        raise done.exception
