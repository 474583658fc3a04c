"""Pictures of anything but skin: which views of them are learnt from, and what is learnt."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.inference.ood import fit
from retraining.evaluation.something_else import SHARE, fit_other, origin, something_else


def test_a_view_of_each_picture_always_the_same(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(6):
        folder = tmp_path / "fit" / f"package {number % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        picture = rng.integers(0, 256, (90, 120, 3)).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), picture)
    found, again = something_else(tmp_path, "fit"), something_else(tmp_path, "fit")
    assert found.ids[:2] == ["package 0/0.png", "package 0/2.png"]
    assert len(found) == 6
    shapes = set()
    for place in range(6):
        view = found.read(place)
        np.testing.assert_array_equal(view, again.read(place))
        shapes.add(view.shape)
    assert (90, 120, 3) in shapes  # a whole one
    assert any(height == width for height, width, _ in shapes)  # a square out of one
    with pytest.raises(ValueError, match="no pictures in a folder 'choose' to learn from"):
        something_else(tmp_path, "choose")


def test_what_lies_near_skin_but_is_none_is_told_apart() -> None:
    """Other things lie inside the cloud of skin, where no distance tells them, in one direction."""
    rng = np.random.default_rng(1)
    skin, known = rng.standard_normal((500, 20)), rng.standard_normal((400, 20))
    other = rng.standard_normal((200, 20)) * 0.5
    other[:, 3] += 4
    plain = fit(skin)
    fitted = fit_other(plain, skin, other[:100], [known, known[:200]])
    near = np.quantile(fitted.score(known), 1 - 2 * SHARE)
    assert (plain.score(other[100:]) > np.quantile(plain.score(known), 1 - 2 * SHARE)).mean() < 0.2
    assert (fitted.score(other[100:]) > near).mean() > 0.9
    np.testing.assert_array_equal(fitted.distance(known), plain.distance(known))
    # Both have as many of the known pictures above the same limit.
    ends = [
        max(np.quantile(score(one), 1 - SHARE) for one in (known, known[:200]))
        for score in (fitted.distance, fitted.something_else)
    ]
    assert ends[0] == pytest.approx(ends[1], rel=1e-3)


def test_where_they_are_from(tmp_path: Path) -> None:
    assert origin(tmp_path) == []
    (tmp_path / "origin.csv").write_text("package,version\nstamps,1.2\n", encoding="utf-8")
    assert origin(tmp_path) == [{"package": "stamps", "version": "1.2"}]
