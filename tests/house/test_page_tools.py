"""The tools that check the page's script: for developers alone, pinned, from no named registry."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = json.loads((ROOT / "package.json").read_text())
LOCK = json.loads((ROOT / "package-lock.json").read_text())


def test_the_page_needs_no_package_to_run() -> None:
    assert PACKAGE["private"] is True
    assert not {key for key in PACKAGE if "ependencies" in key} - {"devDependencies"}


def test_tools_have_exact_versions() -> None:
    for name, version in PACKAGE["devDependencies"].items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name


def test_the_lock_has_these_versions_and_names_no_registry() -> None:
    """Each file is known by its hash; where it comes from is the user's own setting."""
    packages = dict(LOCK["packages"])
    root = packages.pop("")
    assert root["devDependencies"] == PACKAGE["devDependencies"]
    for name, version in PACKAGE["devDependencies"].items():
        assert packages[f"node_modules/{name}"]["version"] == version
    for name, package in packages.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name
        assert package["dev"] is True, name
    settings = (ROOT / ".npmrc").read_text().split()
    assert settings == ["omit-lockfile-registry-resolved=true", "save-exact=true"]


def test_every_script_is_checked_for_types() -> None:
    settings = json.loads(
        (ROOT / "tsconfig.json").read_text().replace("// The page's own scripts.", "")
    )
    assert settings["compilerOptions"]["checkJs"] is settings["compilerOptions"]["strict"] is True
    assert "exclude" not in settings
    assert {"Dashboard/assets/**/*.js", "Dashboard/assets/**/*.mjs"} <= set(settings["include"])
    # Scripts do not switch the checks off by a comment.
    for path in (ROOT / "Dashboard" / "assets").rglob("*.*js"):
        assert "@ts-nocheck" not in path.read_text(encoding="utf-8"), path


@pytest.mark.parametrize("target", ["lint", "test"])
def test_where_there_is_no_node_a_line_says_so(target: str, tmp_path: Path) -> None:
    make, shell = shutil.which("make"), shutil.which("sh")
    if not make or not shell:
        pytest.skip("make is not installed")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "sh").symlink_to(shell)
    for name in ("python", "ruff", "mypy"):
        (tmp_path / "bin" / name).write_text(f"#!{shell}\nexit 0\n")
        (tmp_path / "bin" / name).chmod(0o755)
    for name in (".runtime", ".dev"):
        (tmp_path / name).touch()
    done = subprocess.run(
        [make, "--no-print-directory", target, f"VENV={tmp_path}"],
        cwd=ROOT,
        env={"PATH": str(tmp_path / "bin")},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr.count("\n")) == (0, 1), done.stderr
    assert f"`npm run {target}` for the page's script is skipped" in done.stderr
    assert "npm ci" not in done.stdout
