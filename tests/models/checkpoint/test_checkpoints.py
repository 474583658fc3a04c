"""Checkpoints: written whole, read back, and refused with a reason."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from models.checkpoint.card import Card, available, load_card, load_state_dict, locate
from models.checkpoint.card_files import write_card
from models.checkpoint.evaluation import ModelEvaluation, load_evaluation
from models.checkpoint.provenance import Provenance, load_provenance
from models.checkpoint.weights import load_network, save_checkpoint
from models.errors import CheckpointError
from models.registry.preprocessing import Preprocessing
from models.registry.taxonomy import HAM10000, Taxonomy

CARD = Card(
    name="one",
    version="0.1",
    backbone="resnet18",
    taxonomy=HAM10000,
    preprocessing=Preprocessing(64, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)),
    licence="CC BY-NC 4.0",
    temperature=1.5,
    operating_points=[{"threshold": 0.2}, {"threshold": 0.1}],
    metrics=[{"metric": "macro_auc", "split": "test", "n": 10, "value": 0.9}],
)


def test_taxonomy() -> None:
    assert HAM10000.codes == ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")
    assert HAM10000.malignant == {"akiec", "bcc", "mel"}
    assert HAM10000.malignant_indices == (0, 1, 4)
    assert HAM10000.name("nv") == "Melanocytic nevi"
    assert HAM10000.name("akiec").endswith("Bowen's disease")
    assert HAM10000.index("vasc") == 6
    assert len(HAM10000) == 7
    assert Taxonomy.from_dict(json.loads(json.dumps(HAM10000.to_dict()))) == HAM10000
    with pytest.raises(ValueError, match="unknown class 'scc'; the classes are akiec, bcc"):
        HAM10000.index("scc")


@pytest.mark.parametrize(
    ("codes", "names", "malignant", "message"),
    [
        (("b", "a"), ("B", "A"), (), "alphabetical"),
        (("a", "a"), ("A", "A"), (), "different"),
        (("a",), ("A",), (), "two or more"),
        (("a", "b"), ("A",), (), "1 names, 2 codes"),
        (("a", "b"), ("A", "B"), ("c",), r"\['c'\]"),
    ],
)
def test_what_is_no_taxonomy(
    codes: tuple[str, ...], names: tuple[str, ...], malignant: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Taxonomy(codes, names, frozenset(malignant))


def test_a_card_goes_through_json_and_back() -> None:
    assert Card.from_dict(json.loads(json.dumps(CARD.to_dict()))) == CARD
    assert CARD.operating_point == {"threshold": 0.2}
    assert replace(CARD, operating_points=[]).operating_point is None


def test_what_is_no_card() -> None:
    data = CARD.to_dict()
    with pytest.raises(CheckpointError, match="unknown keys colour"):
        Card.from_dict(data | {"colour": "red"})
    with pytest.raises(CheckpointError, match="format version 99"):
        Card.from_dict(data | {"format_version": 99})
    with pytest.raises(CheckpointError, match="temperature must be above 0"):
        Card.from_dict(data | {"temperature": 0})
    with pytest.raises(CheckpointError, match="lacks 'taxonomy'"):
        Card.from_dict({key: value for key, value in data.items() if key != "taxonomy"})
    with pytest.raises(CheckpointError, match=r"incomplete.*licence"):
        Card.from_dict({key: value for key, value in data.items() if key != "licence"})


def test_three_files_and_a_readme_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    evaluation = ModelEvaluation(metrics=CARD.metrics, limits=["Few images."])
    provenance = Provenance(reproducible="Yes.", teachers=["other 1"])
    write_card(tmp_path, CARD, evaluation, provenance)
    assert load_card(tmp_path) == CARD
    assert load_evaluation(tmp_path) == evaluation
    assert load_provenance(tmp_path) == provenance
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(files) == {"card.json", "evaluation.json", "provenance.json", "README.md"}
    long = replace(CARD, description="x" * 8192)
    with pytest.raises(ValueError, match="at most 8192 may be"):
        write_card(tmp_path, long, evaluation, provenance)
    unknown = ModelEvaluation(metrics=[CARD.metrics[0] | {"value": float("nan")}])
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_card(tmp_path, replace(CARD, version="2"), unknown, provenance)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == files


def test_a_checkpoint_that_was_not_measured(tmp_path: Path) -> None:
    assert load_evaluation(tmp_path) == ModelEvaluation()
    assert load_provenance(tmp_path) == Provenance()
    for name, load in (("evaluation", load_evaluation), ("provenance", load_provenance)):
        (tmp_path / f"{name}.json").write_text('{"colour": "red"}')
        with pytest.raises(CheckpointError, match=f"{name}.json has unknown keys colour; known"):
            load(tmp_path)


def test_folders_that_hold_no_checkpoint(tmp_path: Path) -> None:
    assert available(tmp_path / "none") == []
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "card.json").write_text("{}")
    assert available(tmp_path) == []
    with pytest.raises(CheckpointError, match="no checkpoint 'half'; the checkpoints are: none"):
        locate("half", tmp_path)
    with pytest.raises(CheckpointError, match="does not exist"):
        load_card(tmp_path / "none")
    (tmp_path / "half" / "card.json").write_text("[]")
    with pytest.raises(CheckpointError, match="holds a list"):
        load_card(tmp_path / "half")


def test_a_name_never_leaves_the_weights_folder(tmp_path: Path) -> None:
    """A name with separators is a path given by the caller, not a name under the root."""
    outside = tmp_path / "outside"
    outside.mkdir()
    for file in ("card.json", "model.safetensors"):
        (outside / file).write_text("{}")
    (tmp_path / "root").mkdir()
    with pytest.raises(CheckpointError, match="no checkpoint"):
        locate("../outside", tmp_path / "root")


@pytest.mark.torch
def test_saving_and_loading(tmp_path: Path) -> None:
    import torch

    state = {"weight": torch.tensor([1.0, 2**-20, 1 / 3]), "count": torch.tensor(7)}
    card = save_checkpoint(tmp_path / "one", state, CARD)
    assert len(card.weights_sha256) == 64
    assert load_card(tmp_path / "one") == card == replace(CARD, weights_sha256=card.weights_sha256)
    loaded = load_state_dict(tmp_path / "one")
    assert loaded["weight"].dtype == torch.float32
    assert loaded["weight"].tolist() == state["weight"].half().float().tolist()
    assert loaded["count"].item() == 7
    assert available(tmp_path) == ["one"]
    assert locate("one", tmp_path) == locate(tmp_path / "one") == tmp_path / "one"
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


@pytest.mark.torch
def test_full_precision_is_kept_where_it_is_asked_for(tmp_path: Path) -> None:
    import torch

    save_checkpoint(tmp_path / "one", {"weight": torch.tensor([1 / 3])}, CARD, half=False)
    assert load_state_dict(tmp_path / "one")["weight"].item() == torch.tensor(1 / 3).item()


@pytest.mark.torch
def test_a_checkpoint_replaces_another_whole_or_not_at_all(tmp_path: Path) -> None:
    import torch

    save_checkpoint(tmp_path / "one", {"weight": torch.zeros(2)}, CARD)
    (tmp_path / "one" / "recipe").mkdir()
    (tmp_path / "one" / "recipe" / "train.yaml").write_text("lr: 1")
    save_checkpoint(tmp_path / "one", {"weight": torch.ones(2)}, replace(CARD, version="0.2"))
    assert load_card(tmp_path / "one").version == "0.2"
    assert (tmp_path / "one" / "recipe" / "train.yaml").read_text() == "lr: 1"
    with pytest.raises(CheckpointError, match="'weight' does not fit into float16"):
        save_checkpoint(tmp_path / "one", {"weight": torch.tensor([1e6])}, CARD)
    assert load_state_dict(tmp_path / "one")["weight"].tolist() == [1, 1]
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


@pytest.mark.torch
def test_damaged_weights_and_those_of_another_card(tmp_path: Path, tiny: Path) -> None:
    import torch

    folder = tmp_path / "one"
    save_checkpoint(folder, {"weight": torch.zeros(2)}, CARD)
    with pytest.raises(CheckpointError, match="do not fit resnet18"):
        load_network(folder)
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="SHA-256 differs"):
        load_state_dict(folder)
    text = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(text | {"weights_sha256": ""}))
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_state_dict(folder)
    network, card = load_network(tiny)
    assert not network.training
    assert card.name == "tiny"
