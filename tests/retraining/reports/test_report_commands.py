"""The commands of evaluation and comparison: one sentence for what the user can mend."""

import sys
from pathlib import Path

import pytest

from retraining.__main__ import main


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["python -m retraining", *words])
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["evaluate"], "evaluate needs a run folder, or --model NAME"),
        (["evaluate", "--model", "resnet18"], "evaluate --model needs --splits"),
        (["compare", "nothing", "--out", "report"], "there is no run folder or checkpoint"),
        (["compare", "{folder}", "--out", "report"], "was not evaluated; run"),
        (["cost", "{folder}"], "was not evaluated; run"),
        (["promote", "{folder}"], "has no best.pt; run `python -m retraining train` first"),
        (["refresh-card", "nothing", "--splits", "{folder}"], "there is no checkpoint 'nothing'"),
        (["compare", "x", "--out", "r", "--published", "{folder}/no.csv"], "No such file"),
    ],
)
def test_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    words: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    code = run(monkeypatch, *(word.replace("{folder}", str(tmp_path / "run")) for word in words))
    told = " ".join(capsys.readouterr().err.split())
    assert code == 2
    assert sentence in told
    assert "Traceback" not in told
    assert list(tmp_path.iterdir()) == [tmp_path / "run"]
