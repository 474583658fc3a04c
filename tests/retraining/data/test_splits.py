import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.registry.taxonomy import HAM10000, Taxonomy
from retraining.data.index import DataError, prepare
from retraining.data.split_schemes import per_class_split
from retraining.data.splits import (
    counts,
    described,
    grouped_split,
    leaked_lesions,
    load_split,
    load_taxonomy,
    read_manifest,
    split_hash,
    write_split,
)


@st.composite
def indices(draw: st.DrawFn) -> pd.DataFrame:
    lesions = draw(st.integers(30, 60))
    rows = []
    for lesion in range(lesions):
        dx = ("mel", "nv")[lesion % 2]
        rows += [(f"i{len(rows) + k}", dx, f"l{lesion}") for k in range(draw(st.integers(1, 4)))]
    return pd.DataFrame(rows, columns=["image_id", "dx", "lesion_id"])


@settings(max_examples=25, deadline=None)
@given(indices(), st.integers(0, 1000))
def test_splits_are_disjoint_whole_and_leak_no_lesion(index: pd.DataFrame, seed: int) -> None:
    frames = grouped_split(index, seed=seed)
    assert list(frames) == ["train", "val", "test"]
    assert leaked_lesions(frames) == []
    assert sorted(pd.concat(frames.values()).image_id) == sorted(index.image_id)
    assert split_hash(frames) == split_hash(grouped_split(index, seed=seed))


def test_every_class_gets_its_share(archives: Path, tmp_path: Path) -> None:
    frames = grouped_split(prepare(archives, tmp_path))
    table = counts(frames).drop(["images", "lesions"])
    assert (abs(table.sum() / 140 - [0.64, 0.16, 0.20]) < 0.03).all()
    assert (table["test"] == 4).all()


def test_two_fractions_make_train_and_val(archives: Path, tmp_path: Path) -> None:
    assert list(grouped_split(prepare(archives, tmp_path), (0.8, 0.2))) == ["train", "val"]


@pytest.mark.parametrize("fractions", [(1.0,), (0.5, 0.6), (0.7, 0.4, -0.1), (0.2, 0.2, 0.6)])
def test_impossible_fractions_are_refused(fractions: tuple[float, ...]) -> None:
    index = pd.DataFrame({"image_id": ["a"], "dx": ["nv"], "lesion_id": ["l"]})
    with pytest.raises(ValueError, match="got"):
        grouped_split(index, fractions)


def test_a_written_split_reads_back_the_same(archives: Path, tmp_path: Path) -> None:
    frames = grouped_split(prepare(archives, tmp_path / "data"))
    write_split(frames, tmp_path / "data", tmp_path / "split")
    back = load_split(tmp_path / "split")
    assert split_hash(back) == split_hash(frames)
    assert all(Path(p).is_file() for p in back["test"].path)


def test_a_lesion_in_two_splits_is_an_error(archives: Path, tmp_path: Path) -> None:
    frames = grouped_split(prepare(archives, tmp_path / "data"))
    frames["test"] = pd.concat([frames["test"], frames["train"].head(1)])
    write_split(frames, tmp_path / "data", tmp_path / "split")
    with pytest.raises(DataError, match=r"1 lesions .* are in two splits"):
        load_split(tmp_path / "split")


def test_an_empty_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="python -m retraining split"):
        load_split(tmp_path)


def test_the_classes_travel_with_the_split(archives: Path, tmp_path: Path) -> None:
    frames = grouped_split(prepare(archives, tmp_path / "data"))
    own = Taxonomy(("mole", "wart"), ("Mole", "Wart"), frozenset({"mole"}))
    (tmp_path / "data" / "taxonomy.json").write_text(json.dumps(own.to_dict()))
    write_split(frames, tmp_path / "data", tmp_path / "split")
    assert load_taxonomy(tmp_path / "split") == own


def test_without_a_taxonomy_the_classes_are_those_of_ham10000(tmp_path: Path) -> None:
    assert load_taxonomy(tmp_path) == HAM10000


@pytest.mark.parametrize("text", ["{", "[]", '{"codes": ["b", "a"]}', '{"codes": 3}'])
def test_a_damaged_taxonomy_is_one_sentence(text: str, tmp_path: Path) -> None:
    (tmp_path / "taxonomy.json").write_text(text)
    with pytest.raises(DataError, match=r"taxonomy\.json is not a list of classes"):
        load_taxonomy(tmp_path)


def test_the_manifest_says_how_the_split_was_made(archives: Path, tmp_path: Path) -> None:
    index = prepare(archives, tmp_path / "data")
    frames = per_class_split(index)
    write_split(frames, tmp_path / "data", tmp_path / "split", "per-class", seed=42)
    manifest = read_manifest(tmp_path / "split")
    assert manifest["scheme"] == "per-class"
    assert manifest["seed"] == 42
    assert manifest["sha256"] == split_hash(frames)
    other = {**frames, "train": frames["train"].iloc[1:]}
    assert described(other)["judged_sha256"] == manifest["judged_sha256"] != manifest["sha256"]
    assert manifest["counts"]["val"]["mel"] == 4
    assert manifest["lesions_leaked"] == len(leaked_lesions(frames)) > 0


def test_a_per_class_split_may_be_used_with_a_warning(
    archives: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frames = per_class_split(prepare(archives, tmp_path / "data"))
    write_split(frames, tmp_path / "data", tmp_path / "split", "per-class")
    assert split_hash(load_split(tmp_path / "split")) == split_hash(frames)
    assert "scores on such a split are too good" in caplog.text


def test_a_split_without_a_class_is_an_error(archives: Path, tmp_path: Path) -> None:
    frames = grouped_split(prepare(archives, tmp_path / "data"))
    frames["val"] = frames["val"][frames["val"].dx != "df"]
    write_split(frames, tmp_path / "data", tmp_path / "split")
    with pytest.raises(DataError, match=r"val\.csv has no image of class df"):
        load_split(tmp_path / "split")


def test_the_test_split_of_a_source_may_lack_a_class(
    archives: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = grouped_split(prepare(archives, tmp_path / "data"))
    bare = {name: part[part.dx != "vasc"] for name, part in whole.items()}
    write_split(whole | {"test": bare["test"]}, tmp_path / "data", tmp_path / "split", "source")
    assert split_hash(load_split(tmp_path / "split")) == split_hash(whole | {"test": bare["test"]})
    assert "test.csv has no image of class vasc; scores on it are of the classes" in caplog.text
    refused = [
        ("source", {"val": bare["val"]}, r"val\.csv has no image of class vasc"),
        ("source", {"train": bare["train"]}, r"train\.csv has no image of class vasc"),
        ("source", {"test": whole["test"][:0]}, r"test\.csv has no image of class akiec, bcc"),
        ("source", {"test": whole["test"].assign(dx="wart")}, r"test\.csv has the classes wart"),
        ("grouped", {"test": bare["test"]}, r"test\.csv has no image of class vasc"),
    ]
    for scheme, frames, message in refused:
        write_split(whole | frames, tmp_path / "data", tmp_path / "split", scheme)
        with pytest.raises(DataError, match=message):
            load_split(tmp_path / "split")


def test_a_split_that_is_no_longer_made_goes_away(archives: Path, tmp_path: Path) -> None:
    index = prepare(archives, tmp_path / "data")
    write_split(grouped_split(index), tmp_path / "data", tmp_path / "split")
    write_split(grouped_split(index, (0.8, 0.2)), tmp_path / "data", tmp_path / "split")
    assert list(load_split(tmp_path / "split")) == ["train", "val"]
