"""The lasting parts of the ISIC archive's pictures."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from retraining.data.parts import part_of, parts_split


@pytest.mark.parametrize(
    ("early", "choose", "external"), [(True, "89a", "bcdef"), (False, "c", "def")]
)
def test_the_first_digit_decides(early: bool, choose: str, external: str) -> None:
    image = "ISIC_0022999" if early else "ISIC_0023000"
    for number in range(60):
        lesion = f"BCN_{number}"
        digit = hashlib.sha256(lesion.encode()).hexdigest()[0]
        expected = "choose" if digit in choose else "external" if digit in external else "train"
        assert part_of(image, lesion) == expected
    assert part_of(image) == part_of(image, image)


def test_pictures_that_look_the_same_go_with_external(tmp_path: Path) -> None:
    """Of two lesions in two parts both move, and what looks like one of them; others do not."""
    by_part: dict[str, list[str]] = {"train": [], "choose": [], "external": []}
    for number in range(200):
        by_part[part_of("ISIC_0030000", f"BCN_{number}")].append(f"BCN_{number}")
    train, choose = by_part["train"], by_part["choose"]
    lesions = [train[0], choose[0], train[1], train[1], train[2], choose[1]]
    rng = np.random.default_rng(0)
    alike, other = (rng.integers(0, 256, (2, 8, 8, 3), np.uint8) for _ in range(2))
    drawn = [alike[0], alike[0], alike[0], other[0], alike[1], other[1]]
    for place, picture in enumerate(drawn):
        large = cv2.resize(picture, (64, 64), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(tmp_path / f"{place}.png"), large)
    index = pd.DataFrame(
        {
            "image_id": [f"ISIC_003000{place}" for place in range(6)],
            "lesion_id": lesions,
            "path": [f"{place}.png" for place in range(6)],
        }
    )
    frames = parts_split(index, tmp_path)
    found = {name: [path[0] for path in frame.path] for name, frame in frames.items()}
    assert found == {"train": ["4"], "val": ["5"], "test": ["0", "1", "2", "3"]}
