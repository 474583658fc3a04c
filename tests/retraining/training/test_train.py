"""The whole way from archives to a checkpoint, with a network of seconds."""

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from models.checkpoint.weights import load_network, save_checkpoint
from models.registry.backbones import head_keys
from models.registry.taxonomy import HAM10000
from retraining.data.splits import load_split
from retraining.evaluation.evaluate import evaluate_run
from retraining.publishing.model_card import training_summary
from retraining.publishing.provenance import provenance
from retraining.publishing.publish import promote_run
from retraining.training import lesion_module as engine
from retraining.training.config import Stage, TrainConfig
from retraining.training.first_weights import initial_network, pretrained_network
from retraining.training.losses import Teacher
from retraining.training.run_folder import load_trained, read_log
from retraining.training.train import Run, train
from retraining.transforms.augmentation import Augmentation
from tests.models.pretrained.test_pretrained import card_of, seeded
from tests.retraining.tiny import write_tiny_split


@pytest.fixture(scope="module")
def config(splits: Path) -> TrainConfig:
    return TrainConfig(
        backbone="resnet18",
        weights="none",
        splits=str(splits),
        stages=(Stage(size=32, epochs=2), Stage(size=40, epochs=2)),
        batch_size=15,
        lr=2e-3,
        ema=0.8,
        precision="f32",
        augmentation=Augmentation(brightness=0, contrast=0, cast=0, saturation=0, gamma=0),
    )


@pytest.fixture(scope="module")
def short(config: TrainConfig, tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    """An epoch of two steps, where it matters what is done and not how well it is learnt."""
    splits = write_tiny_split(tmp_path_factory.mktemp("tiny"))
    return config.replace(splits=str(splits), stages=(Stage(size=32, epochs=1),))


@pytest.fixture(scope="module")
def run(config: TrainConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    return train(config, folder / "run", folder / "cache")


def test_it_learns_to_tell_colours(run: Path) -> None:
    log = read_log(run)
    assert [row["size"] for row in log] == [32, 32, 40, 40]
    assert log[-1]["loss"] < 0.7 * log[0]["loss"]
    assert max(row["val_macro_auc"] for row in log) > 0.8


def test_joined_layers_learn_the_same_and_are_kept_under_the_same_names(
    run: Path, short: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined: list[torch.nn.Module] = []
    compiles = torch.nn.Module.compile

    def without_a_c_compiler(network: torch.nn.Module, **settings: object) -> None:
        joined.append(network)
        compiles(network, backend="eager", **settings)

    monkeypatch.setattr(torch.nn.Module, "compile", without_a_c_compiler)
    teachers = (str(run), str(run))
    short = short.replace(teachers=teachers)
    plain = train(short, tmp_path / "plain", tmp_path / "cache")
    assert not joined
    fast = train(short.replace(compile=True), tmp_path / "fast", tmp_path / "cache")
    # The student and both teachers.
    assert [network.training for network in joined] == [True, False, False]
    assert read_log(fast)[0]["loss"] == pytest.approx(read_log(plain)[0]["loss"], rel=1e-4)
    network, _, _ = load_trained(fast)
    assert set(network.state_dict()) == set(load_trained(plain)[0].state_dict())


def test_a_run_folder_belongs_to_one_configuration(run: Path, config: TrainConfig) -> None:
    with pytest.raises(ValueError, match="another configuration"):
        train(config.replace(lr=0.5), run, run.parent / "cache")


def test_promoting_needs_an_evaluation(short: TrainConfig, tmp_path: Path) -> None:
    train(short, tmp_path / "run", tmp_path / "cache")
    with pytest.raises(ValueError, match="python -m retraining evaluate"):
        promote_run(tmp_path / "run", tmp_path / "weights")


def test_an_evaluated_run_becomes_a_checkpoint_and_a_teacher(
    run: Path, config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = evaluate_run(run, "test", tmp_path / "cache", resamples=50)
    assert {row["split"] for row in metrics} == {"test"}
    assert {row["n"] for row in metrics} == {28}
    by_name = {row["metric"]: row for row in metrics}
    assert by_name["macro_auc"]["low"] <= by_name["macro_auc"]["value"]
    folder = promote_run(run, tmp_path / "weights", "colours")
    network, card = load_network(folder)
    calibration = json.loads((run / "evaluation.json").read_text())
    assert card.preprocessing.input_size == calibration["input_size"]
    assert card.temperature == calibration["temperature"]
    assert sum(card.prior.values()) == pytest.approx(1)
    assert network(torch.zeros(1, 3, 32, 32)).shape == (1, len(HAM10000))
    assert str(run) not in (folder / "card.json").read_text()

    student = config.replace(
        teachers=(str(run), str(folder)),
        stages=(Stage(size=32, epochs=1),),
        distill=1.0,
    )
    train(student, tmp_path / "student", tmp_path / "cache")
    assert len(read_log(tmp_path / "student")) == 1
    as_it_stands, calibrated = (Teacher.load(name) for name in student.teachers)
    assert (as_it_stands.temperature, calibrated.temperature) == (1.0, card.temperature)
    pictures = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(
        as_it_stands.network(pictures), calibrated.network(pictures), rtol=0.02, atol=0.02
    )
    origin = provenance(student, HAM10000)
    as_run, promoted = origin.teachers
    assert as_run.startswith(f"{run.name} ")
    assert promoted == f"colours {card.version} {card.weights_sha256[:8]}"
    assert origin.lineage[as_run]["weights"]["start"] == "none"
    # A bare name is that of a checkpoint, also where a run's folder has it.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "student").rename(tmp_path / "efficientnet_lite0")
    assert Teacher.load("efficientnet_lite0").backbone == "efficientnet_lite0"
    assert Teacher.load("./efficientnet_lite0").backbone == config.backbone


def test_teachers_may_see_the_clean_picture(
    run: Path, short: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def keep(teachers: object, raw: torch.Tensor) -> torch.Tensor:
        seen.append(raw)
        return torch.zeros(len(raw), len(HAM10000))

    monkeypatch.setattr(engine, "mean_log_probabilities", keep)
    base = short.replace(teachers=(str(run),), teacher_size=32, mixup=0.2)
    plain = base.augmentation
    corrupted = plain.replace(brightness=0.5, corruptions=1.0)
    for name, view, augmentation in (
        ("plain", "same", plain), ("clean", "clean", corrupted), ("same", "same", corrupted)
    ):  # fmt: skip
        changed = base.replace(teacher_view=view, augmentation=augmentation)
        train(changed, tmp_path / name, tmp_path / "cache")
    steps = len(seen) // 3
    first, clean, same = (torch.cat(seen[i * steps : (i + 1) * steps]) for i in range(3))
    torch.testing.assert_close(clean, first)
    assert (same != first).any()


def test_what_is_kept_may_lie_between_the_checkpoint_and_what_was_learnt(
    short: TrainConfig, tmp_path: Path
) -> None:
    start = tmp_path / "start"
    save_checkpoint(start, seeded().state_dict(), card_of({}))
    learns = short.replace(weights=str(start))
    learnt = train(learns, tmp_path / "learnt", tmp_path / "cache")
    kept = train(learns.replace(wise_ft_alpha=0.25), tmp_path / "kept", tmp_path / "cache")
    begin, end = load_network(start)[0].state_dict(), load_trained(learnt)[0].state_dict()
    for name, value in load_trained(kept)[0].state_dict().items():
        whole = not value.is_floating_point()
        between = end[name] if whole else 0.75 * begin[name] + 0.25 * end[name]
        torch.testing.assert_close(value, between)
    (row,), (other,) = read_log(learnt), read_log(kept)
    assert (row["loss"] == other["loss"], row["val_loss"] == other["val_loss"]) == (True, False)
    interpolated = load_trained(kept)[1]
    with pytest.raises(
        ValueError, match=r"wise_ft_alpha 0\.25 needs weights that know the 3 classes"
    ):
        initial_network(interpolated, 3)
    text = training_summary(interpolated, read_log(kept), "interpolated")
    assert "Kept are the weights 25% of the way from that checkpoint to the averaged" in text


def test_a_class_that_costs_more_to_miss_is_named_more_often(
    short: TrainConfig, tmp_path: Path
) -> None:
    even = train(short, tmp_path / "even", tmp_path / "cache")
    config = short.replace(class_bias={"mel": 2})
    tilted = train(config, tmp_path / "tilted", tmp_path / "cache")
    head = head_keys(short.backbone)[1]
    (before, _, taxonomy), (after, _, _) = load_trained(even), load_trained(tilted)
    for name, value in after.state_dict().items():
        own = before.state_dict()[name].clone()
        if name == head:
            own[taxonomy.index("mel")] += 2
        torch.testing.assert_close(value, own)
    (row,), (other,) = read_log(even), read_log(tilted)
    assert (row["loss"] == other["loss"], row["val_loss"] == other["val_loss"]) == (True, False)
    assert "bias was changed: +2 to mel." in training_summary(config, read_log(tilted), "tilted")
    last = training_summary(config.replace(monitor="last"), read_log(tilted), "tilted")
    assert "weights after epoch 1 of 1, the last. Then" in last
    with pytest.raises(ValueError, match="class_bias names the class 'melanoma'"):
        train(config.replace(class_bias={"melanoma": 1}), tmp_path / "no", tmp_path / "cache")


def test_val_may_be_changed_as_training_pictures_are(short: TrainConfig, tmp_path: Path) -> None:
    scores = {}
    for corrupted in (0.0, 1.0):
        augmentation = short.augmentation.replace(corruptions=corrupted)
        # Nothing is learnt, so that epochs differ where their pictures do.
        still = short.replace(augmentation=augmentation, lr=1e-30, weight_decay=0.0)
        still = still.replace(stages=(Stage(size=32, epochs=2),), freeze_batchnorm=True)
        for view in ("plain", "changed"):
            run = tmp_path / f"{view}{corrupted}"
            train(still.replace(val_view=view), run, tmp_path / "cache")
            scores[view, corrupted] = [row["val_loss"] for row in read_log(run)]
    first, second = scores["changed", 1.0]
    assert first == pytest.approx(second, abs=1e-6)
    assert first != pytest.approx(scores["plain", 1.0][0], abs=1e-4)
    assert scores["changed", 0.0] == scores["plain", 0.0] == scores["plain", 1.0]
    text = training_summary(load_trained(run)[1], read_log(run), "changed")
    assert "the highest macro auc on val, its pictures changed as in training." in text


def test_packaged_imagenet_weights_load_layer_for_layer() -> None:
    network = pretrained_network("efficientnet_lite0", 7)
    state = network.state_dict()
    assert state["classifier.weight"].abs().sum() == 0
    # Trained batch normalisation has variances that no random start has.
    assert state["bn1.running_var"].std() > 0.01
    assert (state["bn1.running_var"] >= 0).all()


def test_a_run_starts_from_another(run: Path, config: TrainConfig) -> None:
    start = initial_network(config.replace(weights=str(run)), len(HAM10000)).state_dict()
    for name, value in load_trained(run)[0].state_dict().items():
        assert torch.equal(start[name], value), name


def test_a_run_that_goes_on_from_another_draws_other_views(
    run: Path, config: TrainConfig, tmp_path: Path
) -> None:
    splits = load_split(Path(config.splits))

    def draws(weights: str) -> tuple[list[int], list[float]]:
        began = Run(config.replace(weights=weights), HAM10000, splits, tmp_path)
        plan = began.module.sampling.plan(0)
        return plan.rows.tolist(), [generator.random() for generator in plan.seeds]

    first, further = draws(config.weights), draws(str(run))
    assert first[0] != further[0]
    assert not set(first[1]) & set(further[1])
    assert draws(str(run)) == further


def test_a_run_gives_its_network_back(run: Path, config: TrainConfig) -> None:
    network, read, taxonomy = load_trained(run)
    assert (read, taxonomy) == (config, HAM10000)
    assert not network.training
    kept = torch.load(run / "best.pt", weights_only=True)
    assert all(torch.equal(kept[name], tensor) for name, tensor in network.state_dict().items())


def test_a_folder_without_an_epoch_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no finished epoch"):
        load_trained(tmp_path)
