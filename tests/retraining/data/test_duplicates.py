import io
from pathlib import Path

import imagehash
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageEnhance
from scipy.ndimage import gaussian_filter

from retraining.data.duplicates import COLUMNS, hashes, near_duplicates, near_pairs
from retraining.data.errors import DataError


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Six pictures of smooth random patterns; the sixth is the first, smaller and darker."""
    folder = tmp_path_factory.mktemp("scenes")
    rng = np.random.default_rng(0)
    pictures = []
    for _ in range(5):
        noise = gaussian_filter(rng.normal(size=(120, 160, 3)), (6, 6, 0))
        noise = (noise - noise.min()) / np.ptp(noise)
        pictures.append(Image.fromarray((noise * 255).astype(np.uint8)))
    changed = ImageEnhance.Brightness(pictures[0].resize((100, 75))).enhance(0.8)
    data = io.BytesIO()
    changed.save(data, "JPEG", quality=60)
    pictures.append(Image.open(data))
    for i, picture in enumerate(pictures):
        picture.save(folder / f"{i}.png")
    return [folder / f"{i}.png" for i in range(6)]


def frame(scenes: list[Path], lesions: list[str]) -> pd.DataFrame:
    ids = [p.stem for p in scenes]
    return pd.DataFrame(
        {"image_id": ids, "lesion_id": lesions, "dx": "nv", "path": [str(p) for p in scenes]}
    )


@settings(max_examples=30, deadline=None)
@given(
    hnp.arrays(np.uint64, st.tuples(st.integers(1, 12), st.just(4))),
    st.integers(0, 256),
)
def test_pairs_are_those_of_comparing_bit_by_bit(words: np.ndarray, near: int) -> None:
    bits = np.unpackbits(words.view(np.uint8).reshape(len(words), -1), axis=1)
    expected = {
        (int((bits[i] != bits[j]).sum()), i, j)
        for i in range(len(words))
        for j in range(i + 1, len(words))
        if (bits[i] != bits[j]).sum() <= near
    }
    assert {tuple(row) for row in near_pairs(words, near).tolist()} == expected


def test_pairs_are_found_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retraining.data.duplicates.BLOCK", 2)
    words = np.arange(5, dtype=np.uint64)[:, None] * np.uint64(2**8 - 1)
    words[4] = words[0]
    assert near_pairs(words, 0).tolist() == [[0, 0, 4]]


def test_the_distance_is_that_of_imagehash(scenes: list[Path]) -> None:
    own = near_pairs(hashes(scenes), 256)
    theirs = [imagehash.phash(Image.open(p), 16) for p in scenes]
    assert len(own) == 15
    assert all(theirs[i] - theirs[j] == distance for distance, i, j in own)


def test_a_changed_copy_under_another_lesion_is_found(scenes: list[Path]) -> None:
    whole = frame(scenes, list("abcdef"))
    found = near_duplicates({"train": whole[:3], "val": whole[3:]})
    assert tuple(found.columns) == COLUMNS
    assert found[["image_a", "image_b", "split_a", "split_b"]].values.tolist() == [
        ["0", "5", "train", "val"]
    ]


def test_copies_of_one_lesion_are_not_told(scenes: list[Path]) -> None:
    assert near_duplicates({"train": frame(scenes, list("abcdea"))}).empty


def test_a_missing_image_is_named(scenes: list[Path]) -> None:
    gone = frame([*scenes[:2], scenes[0].with_name("gone.png")], list("abc"))
    with pytest.raises(DataError, match=r"gone\.png is missing"):
        near_duplicates({"train": gone})
