"""A ResNeXt that begins with an EfficientNet's layers."""

import dataclasses
from pathlib import Path

import pytest
from typer.testing import CliRunner

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from models.backbones import build_network, get_backbone  # noqa: E402
from models.checkpoints import Card, load_card, load_network, save_checkpoint  # noqa: E402
from models.taxonomy import HAM10000  # noqa: E402
from retraining import lineage, repeat  # noqa: E402
from retraining.commands.train import app  # noqa: E402
from retraining.config import TrainConfig, load_config  # noqa: E402
from retraining.stagewise import PHASES, STATE_FILE, Fitting, fit  # noqa: E402
from retraining.train import train  # noqa: E402
from retraining.transplant import (  # noqa: E402
    HEAD,
    LAST,
    MAPS,
    PLACES,
    STUDENT,
    TEACHER,
    Source,
    Student,
    measure,
    transplant,
)
from tests.retraining.tiny import write_tiny_split  # noqa: E402

CONFIG = Path(__file__).resolve().parents[2] / "retraining" / "configs" / "resnext50_32x4d.yaml"


SIDE = 96
SMALL = ("stages=[{size: 64, epochs: 1}]", "batch_size=8")


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    return torch.rand(16, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def teacher(pictures: torch.Tensor) -> torch.nn.Module:
    """Random weights of which a ResNeXt has room for all, normalised for `pictures`."""
    torch.manual_seed(0)
    network = build_network(TEACHER, len(HAM10000))
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = None  # the statistics are those of the next pass
                torch.nn.init.uniform_(module.weight, 0.5, 1.0)
                torch.nn.init.uniform_(module.bias, -0.5, 0.5)
            if isinstance(module, torch.nn.Conv2d) and module.kernel_size == (5, 5):
                module.weight[..., [0, 4], :] = 0
                module.weight[..., [0, 4]] = 0
        for stage, index, width in ((4, 1, 512), (4, 2, 512), (5, 1, 1024), (6, 0, 1024)):
            network.blocks[stage][index].conv_pwl.weight[:, width:] = 0
        for index in (2, 3):
            last = network.blocks[5][index].bn3
            last.weight.zero_()
            last.bias.zero_()
        network.train()((pictures.flip(2, 3) - 0.5) / 0.5)
    return network.eval()


@pytest.fixture(scope="module")
def pair(teacher: torch.nn.Module, pictures: torch.Tensor) -> tuple[Student, Source]:
    source = Source(teacher, (0.5,) * 3, (0.5,) * 3)
    student = Student(build_network(STUDENT, len(HAM10000)))
    transplant(student, source, measure(student, source, [pictures]))
    # Statistics of the batch, as the phases train with.
    return student.train(), source


def carried(student: Student, wanted: torch.Tensor, number: int) -> torch.Tensor:
    """A map of the teacher as the student's layer would hand it on."""
    place = next(place for place in PLACES if place.stage == number)
    layer = student.network.get_submodule(place.layer.partition(".")[0])
    x = torch.zeros(len(wanted), layer[-1].conv3.out_channels, *wanted.shape[2:])
    held = wanted + student.added(number)[:, None, None]
    x[:, place.first : place.first + place.channels] = held.clamp_min(0)
    return x


def explained(found: torch.Tensor, wanted: torch.Tensor) -> float:
    error = ((found - wanted) ** 2).mean((0, 2, 3))
    return 1 - float((error / wanted.var((0, 2, 3)).clamp_min(1e-6)).mean())


@pytest.mark.parametrize(
    ("start", "blocks", "number"),
    [
        (2, ("layer3.0", "layer3.1", "layer3.2"), 3),
        (3, ("layer3.3", "layer3.4", "layer3.5"), 4),
        (4, ("layer4.0", "layer4.1"), 5),
        (5, ("layer4.2",), LAST),
    ],
)
def test_given_the_map_before_the_student_computes_the_next(
    pair: tuple[Student, Source],
    pictures: torch.Tensor,
    start: int,
    blocks: tuple[str, ...],
    number: int,
) -> None:
    student, source = pair
    wanted = source(pictures)
    x = carried(student, wanted.maps[start], start)
    with torch.no_grad():
        for block in blocks:
            x = student.network.get_submodule(block)(x)
        if number == LAST:
            found = x[:, HEAD]
            pooled = torch.zeros(len(x), x.shape[1])
            pooled[:, HEAD] = wanted.maps[LAST].mean((2, 3))
            logits = student.network.fc(pooled)
            torch.testing.assert_close(logits, wanted.logits)
        else:
            place = next(place for place in PLACES if place.stage == number)
            found = x[:, place.first : place.first + place.channels]
            found = found - student.added(number)[:, None, None]
    assert explained(found, wanted.maps[number]) > 0.99


def test_the_source_is_the_teacher_on_the_picture_turned(
    teacher: torch.nn.Module, pictures: torch.Tensor
) -> None:
    found = Source(teacher, (0.5,) * 3, (0.5,) * 3)(pictures)
    assert tuple(found.maps) == MAPS
    with torch.no_grad():
        wanted = teacher((pictures.flip(2, 3) - 0.5) / 0.5)
    torch.testing.assert_close(found.logits, wanted, rtol=1e-3, atol=1e-3)


@pytest.fixture(scope="module")
def folder(teacher: torch.nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A split and a checkpoint of the teacher."""
    folder = tmp_path_factory.mktemp("transplant")
    write_tiny_split(folder / "split")
    card = Card(
        name="teacher",
        version="1",
        backbone=TEACHER,
        taxonomy=HAM10000,
        preprocessing=get_backbone(TEACHER).preprocessing(SIDE),
        licence="none",
    )
    save_checkpoint(folder / "teacher", teacher.state_dict(), card)
    return folder


def settings(folder: Path, *more: str) -> TrainConfig:
    return load_config(CONFIG, [*SMALL, *more], weights="none", splits=str(folder / "split"))


def test_stopped_it_goes_on_and_leaves_a_checkpoint_to_train_from(
    folder: Path, tmp_path: Path
) -> None:
    out, said = tmp_path / "start", list[str]()

    def stop(line: str) -> None:
        said.append(line)
        if len(said) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(settings(folder), str(folder / "teacher"), out, tmp_path / "cache", 16, stop)
    assert (out / STATE_FILE).is_file()
    with pytest.raises(ValueError, match="other settings"):
        fit(
            settings(folder, "seed=1"),
            str(folder / "teacher"),
            out,
            tmp_path / "cache",
            4,
            said.append,
        )
    fit(settings(folder), str(folder / "teacher"), out, tmp_path / "cache", 16, said.append)
    assert [line.split(":")[0] for line in said] == [
        f"phase {n} of {len(PHASES)}" for n in range(1, len(PHASES) + 1)
    ]
    assert sorted(path.name for path in out.iterdir()) == ["card.json", "model.safetensors"]
    network, card = load_network(out)
    assert card.training["recipe"] == "transplant"
    assert card.training["config"]["stages"] == [{"size": 64, "epochs": 1}]  # as they were given
    assert [phase["steps"] for phase in card.training["phases"]] == [5, 4, 4, 4]
    (teacher,) = card.provenance["teachers"]
    assert card.provenance["ancestors"][teacher]["name"] == "teacher"
    with torch.no_grad():
        assert torch.isfinite(network(torch.zeros(1, 3, 64, 64))).all()
    with pytest.raises(ValueError, match="choose another --out"):
        fit(settings(folder), str(folder / "teacher"), out, tmp_path / "cache", 16, said.append)
    config = load_config(
        CONFIG,
        ["stages=[{size: 32, epochs: 1}]", "batch_size=14", "teacher_size=32", "freeze=1",
         f"teachers=[{folder / 'teacher'}]"],
        weights=str(out),
        splits=str(folder / "split"),
    )  # fmt: skip
    train(config, tmp_path / "run", tmp_path / "cache")
    made = dataclasses.replace(card, provenance=lineage.provenance(config, HAM10000))
    commands = repeat.commands(made, "a hash")
    assert [line.split()[3] for line in commands if line.startswith("python")] == [
        "prepare", "split", "transplant", "train", "evaluate", "promote", "ood",
    ]  # fmt: skip


def test_phases_learn_the_maps(folder: Path, tmp_path: Path) -> None:
    """The first phase alone, long enough to see that it learns."""
    fitting = Fitting(settings(folder, "batch_size=8"), str(folder / "teacher"), tmp_path / "cache")
    fitting.prepare(1)
    before = fitting.explained(1)[1]
    fitting.learn(PHASES[0], 1, 12)
    assert fitting.explained(1)[1] > before


def test_says_what_it_can_do(folder: Path, tmp_path: Path) -> None:
    out, cache = tmp_path / "out", tmp_path / "cache"
    with pytest.raises(ValueError, match="makes a resnext50_32x4d, got backbone resnet18"):
        fit(settings(folder, "backbone=resnet18"), str(folder / "teacher"), out, cache, 16, print)
    with pytest.raises(ValueError, match="resnext50_32x4d is one of resnext50_32x4d"):
        fit(settings(folder), "resnext50_32x4d", out, cache, 16, print)


def test_the_command(folder: Path, tmp_path: Path) -> None:
    arguments = ["--config", str(CONFIG), "--weights", "none", "--splits", str(folder / "split")]
    arguments += [word for line in SMALL for word in ("--set", line)]
    arguments += ["--teacher", str(folder / "teacher"), "--steps", "16"]
    arguments += ["--out", str(tmp_path / "start")]
    done = CliRunner().invoke(app, ["transplant", *arguments])
    assert done.exit_code == 0, done.output
    assert "variance explained on val" in done.output
    assert load_card(tmp_path / "start").backbone == STUDENT
