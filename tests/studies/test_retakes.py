"""What differs between pictures of one lesion: pairs, percentiles over lesions, the report."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import studies.retakes.study as study
from Dashboard.assess.retakes import retake_spread
from models.inference.classifier import Prediction
from retraining.data.errors import DataError
from studies.retakes.report import write_report
from studies.retakes.study import Retakes, run_study
from tests.dashboard.conftest import by_rule
from tests.quality.lesion.drawn import HEIGHT, WIDTH, View, drawn


class Dimmer:
    """A classifier whose malignant probability is the mean brightness."""

    def __init__(self, name: str, **_: object) -> None:
        self.card = by_rule(name).card
        self._inner = by_rule(name)

    def predict(self, images: list[np.ndarray]) -> list[Prediction]:
        (found,) = self._inner.predict(images)
        object.__setattr__(found, "p_malignant", float(images[0].mean() / 255))
        return [found]


@pytest.fixture
def splits(tmp_path: Path) -> Path:
    """A test split with a lesion that was taken twice, turned and larger, and one taken once."""
    rows = []
    for name, lesion, image in (
        ("a", "L1", drawn()),
        ("b", "L1", drawn(0.144, View(12, 1.1, (10, -8)))),
        ("c", "L2", drawn(seed=5)),
    ):
        Image.fromarray(image).save(tmp_path / f"{name}.png")
        rows.append((name, f"{name}.png", "nv", lesion))
    table = pd.DataFrame(rows, columns=["image_id", "path", "dx", "lesion_id"])
    table["path"] = [str(tmp_path / path) for path in table["path"]]
    table.to_csv(tmp_path / "test.csv", index=False)
    return tmp_path


def test_a_pair_is_measured(splits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "export", lambda *_, **__: None)
    monkeypatch.setattr(study, "Classifier", Dimmer)
    found = run_study(splits, "plain", lesions=9, proportions=(WIDTH, HEIGHT))
    assert len(found.pictures) == 2
    (pair,) = found.pairs.to_dict("records")
    assert (pair["lesion_id"], pair["registered"], pair["by"]) == ("L1", True, "skin")
    assert pair["area"] == pytest.approx(0.2, abs=0.03)
    assert 0 < pair["p_malignant"] < 0.2
    (splits / "test.csv").unlink()
    with pytest.raises(DataError, match=r"no lesion in .* has several pictures"):
        run_study(splits, "plain", lesions=9, proportions=(WIDTH, HEIGHT))


def test_the_report_is_what_the_page_reads(tmp_path: Path) -> None:
    values = np.arange(1, 101) / 100
    pairs = pd.DataFrame(
        {
            "split": "test", "lesion_id": [f"L{n}" for n in range(100)], "registered": True,
            "by": ["skin", "all"] * 50, "area": values, "colour": values, "p_malignant": values,
            "verdict": False,
        }
    )  # fmt: skip
    pictures = pairs[["split", "lesion_id"]].assign(outlined=True, dice=0.9, iou=0.8)
    write_report(Retakes("m", "1", pictures, pairs), tmp_path)
    found = retake_spread(tmp_path / "percentiles.csv")
    assert found["area"].at(50) == pytest.approx(0.5, abs=0.02)
    assert found["area"].at(95) == pytest.approx(0.95, abs=0.02)
    assert (found["area_by_skin"].pairs, found["colour"].pairs) == (50, 100)
    text = (tmp_path / "report.md").read_text()
    assert "| test and val | Dice of an outline | 100 | 0.900 | 0.900 to 0.900 |" in text
    assert "| val |" not in text
