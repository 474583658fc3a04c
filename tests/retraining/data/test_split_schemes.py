"""Every scheme on frames made here; the real counts where the archives are."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retraining.data.errors import DataError
from retraining.data.metadata import read_metadata
from retraining.data.split_schemes import (
    combined,
    given_split,
    grouped_split,
    kfold_splits,
    like_split,
    per_class_split,
    source_splits,
)
from retraining.data.splits import leaked_lesions, split_hash


def frame(per_class: dict[str, int], images: int = 1) -> pd.DataFrame:
    """`per_class` lesions of each class, `images` images each."""
    rows = [
        (f"{dx}_{lesion}_{image}", dx, f"{dx}_{lesion}")
        for dx, lesions in per_class.items()
        for lesion in range(lesions)
        for image in range(images)
    ]
    return pd.DataFrame(rows, columns=["image_id", "dx", "lesion_id"])


HAM_COUNTS = {
    "akiec": 327, "bcc": 514, "bkl": 1099, "df": 115, "mel": 1113, "nv": 6705, "vasc": 142,
}  # fmt: skip


def test_per_class_gives_the_counts_of_older_tables() -> None:
    frames = per_class_split(frame(HAM_COUNTS))
    assert frames["train"].dx.value_counts().to_dict() == {
        "nv": 5364, "mel": 890, "bkl": 879, "bcc": 411, "akiec": 261, "vasc": 113, "df": 92,
    }  # fmt: skip
    assert frames["val"].dx.value_counts().to_dict() == {
        "nv": 1341, "mel": 223, "bkl": 220, "bcc": 103, "akiec": 66, "vasc": 29, "df": 23,
    }  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcd"), st.integers(12, 60), min_size=2),
    st.sampled_from([(0.8, 0.2), (0.6, 0.2, 0.2), (0.7, 0.15, 0.15)]),
    st.integers(0, 99),
)
def test_per_class_loses_and_repeats_nothing(
    per_class: dict[str, int], fractions: tuple[float, ...], seed: int
) -> None:
    index = frame(per_class)
    frames = per_class_split(index, fractions, seed)
    assert sorted(pd.concat(frames.values()).image_id) == sorted(index.image_id)
    assert split_hash(frames) == split_hash(per_class_split(index, fractions, seed))


def test_per_class_leaks_lesions() -> None:
    assert leaked_lesions(per_class_split(frame({"mel": 40, "nv": 40}, images=3)))


@pytest.mark.parametrize("fractions", [(0.6, 0.2, 0.2), (0.7, 0.15, 0.15), (0.5, 0.5)])
def test_grouped_meets_its_fractions(fractions: tuple[float, ...]) -> None:
    index = frame({"mel": 200, "nv": 400}, images=2)
    shares = [len(part) / len(index) for part in grouped_split(index, fractions).values()]
    assert shares == pytest.approx(fractions, abs=0.02)


def test_kfold_tests_and_validates_on_every_image_once() -> None:
    index = frame({"mel": 20, "nv": 40}, images=2)
    splits = kfold_splits(index, 5)
    for name in ("val", "test"):
        ids = pd.concat([frames[name] for frames in splits]).image_id
        assert sorted(ids) == sorted(index.image_id)
    for frames in splits:
        assert leaked_lesions(frames) == []
        assert sorted(pd.concat(frames.values()).image_id) == sorted(index.image_id)


def of_sources(index: pd.DataFrame, names: str = "abc") -> pd.DataFrame:
    """`index` with its lesions' sources in turn."""
    lesions = pd.factorize(index.lesion_id)[0]
    return index.assign(dataset=[names[lesion % len(names)] for lesion in lesions])


def test_every_source_is_test_once() -> None:
    index = of_sources(frame({"mel": 60, "nv": 120}, images=2))
    splits = source_splits(index)
    assert list(splits) == ["a", "b", "c"]
    for name, frames in splits.items():
        assert list(frames) == ["train", "val", "test"]
        assert list(frames["test"].image_id) == list(index.image_id[index.dataset == name])
        assert leaked_lesions(frames) == []
        assert sorted(pd.concat(frames.values()).image_id) == sorted(index.image_id)
        assert len(frames["val"]) / (len(frames["val"]) + len(frames["train"])) == pytest.approx(
            0.2, abs=0.02
        )
    assert [split_hash(s) for s in splits.values()] == [
        split_hash(s) for s in source_splits(index).values()
    ]


def test_a_lesion_of_two_sources_is_never_in_test() -> None:
    index = of_sources(frame({"mel": 60, "nv": 120}, images=2), "ab")
    index.loc[index.image_id == "mel_0_1", "dataset"] = "b"
    for frames in source_splits(index).values():
        assert leaked_lesions(frames) == []
        assert "mel_0" not in set(frames["test"].lesion_id)
        assert len(pd.concat(frames.values())) == len(index)


def test_a_source_may_lack_a_class_and_the_others_may_not() -> None:
    index = of_sources(frame({"df": 20, "mel": 60, "nv": 120}))
    without = source_splits(index[(index.dx != "df") | (index.dataset != "c")])
    assert set(without["c"]["test"].dx) == {"mel", "nv"}
    assert set(without["a"]["test"].dx) == {"df", "mel", "nv"}
    with pytest.raises(DataError, match="source c left out: train would have no image of class df"):
        source_splits(index[(index.dx != "df") | (index.dataset == "c")])
    two = index.image_id.isin(["df_2_0", "df_3_0"])  # of sources c and a
    with pytest.raises(DataError, match=r"source a left out: .* no image of class df"):
        source_splits(index[(index.dx != "df") | two])


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        (None, "the metadata names no source: scheme source needs the column dataset"),
        (["a", "", None, "b"], "2 images have no source .column dataset., the first is mel_1_0"),
        (["a"] * 4, "all images are of source a; two sources are needed"),
        (["a", "b", "a", "../b"], r"the source '\.\./b' cannot name a folder"),
        (["a", "b", "..", "b"], r"the source '\.\.' cannot name a folder"),
    ],
)
def test_sources_must_be_named(sources: list[str | None] | None, message: str) -> None:
    index = frame({"mel": 2, "nv": 2})
    with pytest.raises(DataError, match=message):
        source_splits(index if sources is None else index.assign(dataset=sources))


def test_a_source_needs_a_lesion_of_its_own() -> None:
    index = of_sources(frame({"mel": 20, "nv": 20}, images=2), "ab")
    index.loc[index.image_id == "nv_3_1", "dataset"] = "c"
    with pytest.raises(DataError, match="test would have no image of source c"):
        source_splits(index)


def test_given_is_what_the_folders_say() -> None:
    index = frame({"mel": 2, "nv": 2}).assign(split=["train", "test", "train", "test"])
    frames = given_split(index)
    assert list(frames) == ["train", "test"]
    assert list(frames["test"].image_id) == ["mel_1_0", "nv_1_0"]


def test_given_needs_folders_that_say_it() -> None:
    with pytest.raises(DataError, match="give no split of their own"):
        given_split(frame({"mel": 2}))


def test_a_class_of_too_few_lesions_is_named() -> None:
    index = frame({"df": 1, "nv": 50}, images=2)
    with pytest.raises(DataError, match="no image of class df, which has 2 images of 1 lesions"):
        grouped_split(index)
    with pytest.raises(DataError, match="no image of class df"):
        kfold_splits(index)
    with pytest.raises(DataError, match="no image of class df"):
        per_class_split(index, (0.6, 0.2, 0.2))


def test_too_few_lesions_are_counted() -> None:
    with pytest.raises(DataError, match="too few lesions: 4, for 5 folds"):
        grouped_split(frame({"mel": 2, "nv": 2}))


def test_too_few_folds_are_refused() -> None:
    with pytest.raises(ValueError, match="folds must be 3 or more"):
        kfold_splits(frame({"mel": 5, "nv": 5}), 2)


def test_the_split_of_the_shipped_models(ham10000_root: Path) -> None:
    metadata = read_metadata(ham10000_root / "HAM10000_metadata.csv")
    index = metadata.sort_values("image_id", ignore_index=True)
    assert split_hash(grouped_split(index)) == (
        "4de2d2566322e67d7b6e9001fa815511a6551482c1d8abcb1e9fe9c5d4c69cf1"
    )
    assert len(leaked_lesions(per_class_split(index))) == 740


def test_another_rendering_is_split_like_the_first() -> None:
    index = frame({"mel": 30, "nv": 60}, images=2)
    frames = grouped_split(index)
    other = index.sample(frac=0.5, random_state=1)
    found = like_split(other, frames)
    for name, rows in found.items():
        assert set(rows.image_id) == set(other.image_id) & set(frames[name].image_id)
    strange = other.assign(image_id=other.image_id + "x", lesion_id="none")
    with pytest.raises(DataError, match="images are not in the split that this is to be like"):
        like_split(strange, frames)


def test_combined_trains_on_nothing_that_is_in_val_or_test() -> None:
    index = frame({"mel": 30, "nv": 60}, images=2)
    frames = grouped_split(index)
    # A second data set that has all of the first, some as other images of the lesions.
    again = {"train": index.assign(image_id=index.image_id + "b"), "test": index.head(3)}
    found = combined([frames, again])
    apart = pd.concat([frames["val"], frames["test"], again["test"]])
    assert not set(found["train"].lesion_id) & set(apart.lesion_id)
    assert not set(found["train"].image_id) & set(apart.image_id)
    kept = frames["train"][~frames["train"].lesion_id.isin(apart.lesion_id)]
    assert len(found["train"]) == 2 * len(kept)
    pd.testing.assert_frame_equal(found["val"], frames["val"])
