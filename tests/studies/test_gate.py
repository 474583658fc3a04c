"""The study of the gate: degradations, losses and thresholds with known answers; no network."""

import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

import quality
from quality import Thresholds
from retraining.transforms.corruptions import VARIANTS, blurred, faded
from studies.gate.__main__ import main
from studies.gate.degradations import CONTRASTS, undegraded
from studies.gate.report import GateReport, render
from studies.gate.scale import BLURS, at_working_size, relate
from studies.gate.study import conclude
from studies.gate.thresholds import by_level, distribution, false_rejects, losses, recommended

CODES = ["mel", "nv"]


def picture(seed: int = 0) -> NDArray[np.uint8]:
    noise = np.random.default_rng(seed).integers(60, 200, (450, 600, 3)).astype(np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 1.5), np.uint8)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """200 lesions; wrong from blur 4 and from contrast 0.3 on, whose measures follow the level."""
    rows = []
    steps = [("blur", v) for v in BLURS] + [("contrast", v) for v in CONTRASTS[1:]]
    for lesion in range(200):
        code = CODES[lesion % 2]
        for kind, level in steps:
            wrong = (kind == "blur" and level >= 4) or (kind == "contrast" and level <= 0.3)
            p_mel = float((code == "mel") != wrong)
            sharp = 100 / (1 + level) ** 2 if kind == "blur" else 100.0
            gamma = 0.3 * (level if kind == "contrast" else 1)
            rows.append((f"I{lesion}", f"L{lesion}", code, kind, level, sharp, gamma,
                         p_mel, 1 - p_mel))  # fmt: skip
    names = ["image_id", "lesion_id", "dx", "kind", "level", "sharpness", "gamma", *CODES]
    return pd.DataFrame(rows, columns=names)


def test_degradations_do_what_they_say() -> None:
    image = picture()
    sharpness = [quality.laplacian_variance(blurred(image, sigma)) for sigma in BLURS]
    assert sharpness == sorted(sharpness, reverse=True)
    assert quality.gamma(faded(image, 0.5)) == pytest.approx(quality.gamma(image) / 2, rel=0.05)
    assert (blurred(image, 0) == image).all()
    for change in VARIANTS.values():
        changed = change(image)
        assert (changed.dtype, changed.ndim) == (np.uint8, 3)
        assert changed.shape != image.shape or (changed != image).any()
        assert (change(image) == changed).all()


def test_losses_and_what_they_recommend(table: pd.DataFrame) -> None:
    by_sharpness = losses(table, "blur", CODES)
    # Blurred by 4 an image has the sharpness 4, by 3 it has 6.25.
    assert (by_sharpness.loss[by_sharpness.high <= 4.01] == 1).all()
    assert (by_sharpness.loss[by_sharpness.low > 5] == 0).all()
    clean = undegraded(table)
    assert 4 <= recommended(by_sharpness, clean.sharpness, clean.dx) <= 6.25
    by_gamma = losses(table, "contrast", CODES)
    assert 0.09 <= recommended(by_gamma, clean.gamma, clean.dx) <= 0.3 * 0.45
    kept = by_sharpness[by_sharpness.loss == 0]
    assert recommended(kept, clean.sharpness, clean.dx) == 0


def test_no_threshold_rejects_what_was_poor_from_the_first(table: pd.DataFrame) -> None:
    lost = losses(table, "contrast", CODES)
    clean = undegraded(table)
    free = recommended(lost, clean.gamma, clean.dx)
    pale = clean.gamma.where(clean.dx != "mel", 0.05)  # every image of one of the two classes
    assert 0 < recommended(lost, pale, clean.dx) < free
    assert recommended(lost, pale, clean.dx) <= 0.05
    unsure = lost.assign(loss_low=-0.01)
    assert recommended(unsure, clean.gamma, clean.dx) == 0


def test_accuracy_by_level(table: pd.DataFrame) -> None:
    levels = by_level(table, CODES).set_index(["kind", "level"])
    assert levels.balanced_accuracy[("blur", 0.0)] == 1
    assert levels.balanced_accuracy[("blur", 4.0)] == 0
    assert levels.macro_auc[("contrast", 0.12)] == 0
    assert set(levels.n) == {200}


def test_false_rejects_are_of_images_without_degradation(table: pd.DataFrame) -> None:
    gates = {"strict": Thresholds(200, 0.1), "none": Thresholds(0, 0)}
    rejects = false_rejects(table, gates, CODES)
    rows = rejects.set_index(["gate", "class"])
    assert rows.rejected[("strict", "all")] == 1
    assert rows.by_gamma[("strict", "mel")] == 0
    assert rows.rejected[("none", "nv")] == 0
    assert rows.sensitivity_of_accepted[("none", "all")] == 1
    rare = table[(table.dx == "mel") | (table.lesion_id < "L2")].copy()
    rare.loc[rare.dx == "nv", "gamma"] = 0.01
    row = false_rejects(rare, {"some": Thresholds(0, 0.1)}, CODES).set_index("class").loc["all"]
    assert (row.n, row.n_rejected, row.rejected) == (156, 56, 0.5)  # all nv, no mel
    assert row.rejected_low == row.rejected_high == 0.5


def test_the_distribution_is_of_images_without_degradation(table: pd.DataFrame) -> None:
    found = distribution(table)
    assert found.groupby("measure").n.sum().to_dict() == {"gamma": 200, "sharpness": 200}
    (gamma,) = found[found.measure == "gamma"].itertuples()
    assert gamma.low <= 0.3 < gamma.high


def test_sharpness_of_small_images_is_estimated_from_originals() -> None:
    originals = [picture(seed) for seed in range(4)]
    relation = relate(originals, (224, 224))
    small = np.array([
        quality.laplacian_variance(
            np.asarray(cv2.resize(blurred(one, 2), (224, 224), interpolation=cv2.INTER_AREA))
        )
        for one in originals
    ])  # fmt: skip
    estimated = relation(small, np.full(4, 2.0))
    true = [quality.laplacian_variance(blurred(one, 2)) for one in originals]
    np.testing.assert_allclose(estimated, true, rtol=0.2)
    assert relation.n == 4


def test_small_images_need_originals(table: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="are 224 x 224, at which sharpness says little"):
        at_working_size(table, (224, 224), [])
    same, relation = at_working_size(table, (600, 450), [])
    assert same is table
    assert relation is None


def test_the_report_holds_tables_a_figure_and_no_image(table: pd.DataFrame, tmp_path: Path) -> None:
    test = table[table.lesion_id.isin(table.lesion_id.unique()[:120])]
    report = conclude(table, test, "some-model", (600, 450), [])
    report.write(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("distribution.csv", "false_rejects.csv", "figure.json", "gate.json", "levels.csv"),
        *("losses.csv", "report.md"),
    ]
    result = json.loads((tmp_path / "gate.json").read_text())
    assert result["recommended"]["min_gamma"] == report.recommended.min_gamma > 0
    assert (result["chosen_on"]["split"], result["chosen_on"]["lesions"]) == ("val", 200)
    assert (result["scored_on"]["split"], result["scored_on"]["lesions"]) == ("test", 120)
    assert "data" in json.loads((tmp_path / "figure.json").read_text())
    text = (tmp_path / "report.md").read_text()
    assert "`some-model`" in text
    assert "| blur | 4 | 120 | 0 |" in text
    loaded = GateReport.load(tmp_path)
    assert loaded.recommended == report.recommended
    assert loaded.counts == report.counts
    pd.testing.assert_frame_equal(
        loaded.losses.reset_index(drop=True), report.losses.reset_index(drop=True), atol=1e-4
    )


def test_the_committed_report_is_that_of_its_tables(tmp_path: Path) -> None:
    committed = Path(__file__).resolve().parents[2] / "reports" / "gate"
    for path in committed.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    render(tmp_path)
    assert (tmp_path / "report.md").read_text() == (committed / "report.md").read_text()


def test_one_sentence_for_what_the_user_can_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--splits", str(tmp_path / "none"), "--out", str(tmp_path / "out")]
    monkeypatch.setattr("sys.argv", ["python -m studies.gate", *words])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    told = capsys.readouterr().err
    assert "error: " in told
    assert "Traceback" not in told
    assert not (tmp_path / "out").exists()


def test_the_product_uses_what_the_report_recommends() -> None:
    report = Path(__file__).resolve().parents[2] / "reports" / "gate" / "gate.json"
    recommended_ = json.loads(report.read_text())["recommended"]
    assert quality.Thresholds(**recommended_) == quality.RECOMMENDED_THRESHOLDS
