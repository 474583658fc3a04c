"""The Dockerfile, the compose file and the scripts, read rather than run."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from Dashboard.config import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
BASE = "python:3.11-slim-bookworm"
# Fixed by the image, or in memory there.
NOT_IN_A_CONTAINER = {"CACHE_DIR", "DATABASE_URL", "DATA_DIR", "INDEX"}


def stages() -> list[str]:
    """The Dockerfile's stages, without comments, lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    return re.split(r"^(?=FROM )", text.replace("\\\n", " "), flags=re.MULTILINE)[1:]


def test_every_stage_starts_from_the_same_literal_base() -> None:
    assert [stage.split()[1] for stage in stages()] == [BASE] * 2


def test_final_stage_installs_nothing() -> None:
    final = stages()[-1]
    assert not re.search(r"\b(apt-get|pip|gcc|curl)\b", final)


def test_final_stage_is_not_root_and_checks_its_health() -> None:
    final = stages()[-1]
    user = re.search(r"^USER (\d+):(\d+)$", final, re.MULTILINE)
    assert user
    assert 0 not in map(int, user.groups())
    assert "HEALTHCHECK" in final
    assert "/health" in final
    assert re.search(r'^CMD \["gunicorn", "dash_ham:server"\]$', final, re.MULTILINE)


def test_build_sees_only_what_the_dockerfile_copies() -> None:
    first, *rest = [
        line
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert first == "*"
    let_in = {line[1:].split("/")[0] for line in rest if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", "\n".join(stages()), re.MULTILINE)
    assert {name.split("/")[0] for names in copied for name in names.split()} == let_in


def test_compose_passes_every_setting_and_lets_nothing_be_written() -> None:
    service = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["dashboard"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["ports"] == ["${PORT:-8050}:8050"]
    assert set(service["environment"]) == {s.name for s in SETTINGS} - {"PORT"} - NOT_IN_A_CONTAINER


def test_workers_of_their_own_are_optional_and_write_no_picture_to_disk() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    dashboard = services.pop("dashboard")
    assert "profiles" not in dashboard
    assert services.keys() == {"worker", "redis"}
    for service in services.values():
        assert service["profiles"] == ["scale"]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "ports" not in service
        assert "volumes" not in service
    assert services["worker"]["image"] == dashboard["image"]
    assert services["worker"]["command"][:4] == ["python", "-m", "Dashboard", "work"]
    command = services["redis"]["command"]
    assert command[command.index("--save") + 1] == ""
    assert command[command.index("--appendonly") + 1] == "no"


def test_ci_script_is_executable_and_parses() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)


def test_pre_commit_fetches_nothing() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    assert {hook["language"] for repo in config["repos"] for hook in repo["hooks"]} == {"system"}


@pytest.fixture(scope="module")
def make() -> str:
    found = shutil.which("make")
    if not found:
        pytest.skip("make is not installed")
    return found


def run_make(make: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Under `make test`, the outer make's flags would reach this one.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    command = [make, "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def test_make_alone_lists_every_target(make: str) -> None:
    text = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert phony
    listed = re.findall(r"^  ([a-z]+) +\S", run_make(make).stdout, re.MULTILINE)
    assert listed == phony[1].split()
    assert {"run", "test", "lint", "bench", "clean", "help"} <= set(listed)


def test_an_unfit_python_is_refused_with_a_sentence(make: str, tmp_path: Path) -> None:
    python = tmp_path / "python3"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    done = run_make(make, "run", f"PYTHON={python}", f"VENV={tmp_path / 'venv'}")
    assert done.returncode == 2
    assert f"Python 3.11, 3.12 or 3.13 is needed, and {python} is not one of them" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_a_fresh_environment_is_not_installed_again(make: str, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("bin/python", ".runtime", ".dev"):
        (tmp_path / name).touch()
    done = run_make(make, "-n", "run", f"VENV={tmp_path}")
    assert done.returncode == 0
    assert "pip install" not in done.stdout
    assert "gunicorn" in done.stdout
