"""The ResNeXt learns the maps of the network it was begun from, one stage after another.

After Romero et al., FitNets: hints for thin deep nets, ICLR 2015, arXiv:1412.6550. What lies
below the trained layers is frozen and what lies above is not run, which makes the first phases
cheap; these learn from crops, because what a filter does is the same everywhere.
"""

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from models.backbones import get_backbone
from models.checkpoints import CARD_FILE, Card, save_checkpoint
from retraining import describe, lineage
from retraining.batches import Data
from retraining.config import TrainConfig
from retraining.data import pixels
from retraining.devices import choose_device, torch_device
from retraining.engine import pictures_to_raw
from retraining.files import replacing
from retraining.networks import initial_network
from retraining.plan import Sampling
from retraining.settings import Stage
from retraining.splits import load_split, load_taxonomy, split_hash
from retraining.teachers import Teacher
from retraining.transplant import (
    LAST,
    READOUT,
    STUDENT,
    TEACHER,
    Source,
    Student,
    measure,
    transplant,
)

STATE_FILE = "state.pt"
STRIDE = 16
BATCH = 32  # images of val at a time
SCORED = 320  # images of val that the maps are compared on
MEASURED = 8  # batches from which the scale of the maps is taken
APART = 1000  # epochs of the plan between two phases, so that each draws its own


@dataclass(frozen=True)
class Phase:
    """Layers that learn together.

    layers: of `Student`, by name.
    until: number of the last map that is computed, see `transplant.MAPS`.
    weights: of the maps' errors.
    share: of all steps.
    lr: peak of the schedule.
    crop: side of the view, of the whole view's.
    probabilities: weight of the divergence from the teacher's.
    """

    layers: tuple[str, ...]
    until: int
    weights: Mapping[int, float]
    share: float
    lr: float
    crop: float = 1.0
    probabilities: float = 0.0


PHASES = (
    Phase(
        ("network.conv1", "network.bn1", "network.layer1", "readout"),
        READOUT, {READOUT: 1.0}, 0.31, 2e-3, 0.7,
    ),
    Phase(
        ("network.layer1", "readout", "network.layer2"),
        2, {READOUT: 0.5, 2: 1.0}, 0.22, 1.5e-3, 0.8,
    ),
    Phase(
        ("network.layer2", "network.layer3"),
        4, {2: 0.5, 3: 1.0, 4: 1.0}, 0.22, 1e-3, 0.9,
    ),
    Phase(
        (*(f"network.layer3.{i}" for i in (3, 4, 5)), "network.layer4", "network.fc"),
        LAST, {4: 0.5, 5: 1.0, LAST: 1.0}, 0.25, 7e-4, 1.0, 0.5,
    ),
)  # fmt: skip


class Fitting:
    """A transplant and the phases after it.

    config: sampling, augmentation, batch size, seed, device and the size of its last stage are
        taken; `weights` is where stem and layer1 start.
    teacher: a checkpoint.
    """

    def __init__(self, config: TrainConfig, teacher: str, cache: Path) -> None:
        if config.backbone != STUDENT:
            raise ValueError(f"a transplant makes a {STUDENT}, got backbone {config.backbone}")
        self.taxonomy = load_taxonomy(Path(config.splits))
        found = Teacher.load(teacher, self.taxonomy)
        if found.backbone != TEACHER:
            raise ValueError(
                f"a transplant needs a checkpoint of {TEACHER}; {teacher} is one of "
                f"{found.backbone}"
            )
        self.size = config.stages[-1].size
        self.given = dataclasses.replace(config, teachers=(teacher,), feature_distill=0.0)
        self.config = dataclasses.replace(
            self.given,
            stages=(Stage(self.size, APART * (len(PHASES) + 1)),),
            teacher_size=self.size,
            mixup=0.0,
            cutmix=0.0,
        )
        self.device = torch_device(choose_device(config.device))
        torch.manual_seed(config.seed)
        card = found.preprocessing
        self.source = Source(found.network, card.mean, card.std).to(self.device)
        self.student = Student(initial_network(config, len(self.taxonomy))).to(self.device)
        if config.channels_last:
            self.student = self.student.to(memory_format=torch.channels_last)
        self.parts = load_split(Path(config.splits))
        frames = {name: self.parts[name] for name in ("train", "val")}
        labels = {
            name: np.array([self.taxonomy.index(code) for code in frame.dx], np.int64)
            for name, frame in frames.items()
        }
        sampling = Sampling(self.config, labels["train"], self.taxonomy.codes)
        self.data = Data(self.config, frames, labels, sampling, cache)
        self.data.prepare_data()
        self.scored = pixels(frames["val"][:SCORED], Path(), self.size, cache)

    def views(self, first: int) -> Iterator[torch.Tensor]:
        """Augmented pictures of train (N, 3, H, H) in 0..1, from epoch `first` on, without end."""
        for epoch in count(first):
            for batch in self.data.training_batches(epoch):
                yield pictures_to_raw(batch.inputs.to(self.device))

    def prepare(self, number: int) -> None:
        """What comes before phase `number`: the scale of the maps, then the transplant itself."""
        if number <= 2:
            spread = measure(self.student, self.source, islice(self.views(0), MEASURED))
            if number == 2:
                transplant(self.student, self.source, spread)

    def learn(self, phase: Phase, number: int, steps: int) -> None:
        """Train the layers of a phase for `steps` steps."""
        student = self.student.requires_grad_(False)
        layers = [student.get_submodule(name) for name in phase.layers]
        for layer in layers:
            layer.requires_grad_(True)
        learnt = [p for p in student.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(
            [
                {"params": [p for p in learnt if p.ndim > 1], "weight_decay": 0.02},
                {"params": [p for p in learnt if p.ndim <= 1], "weight_decay": 0.0},
            ],
            lr=phase.lr,
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, phase.lr, total_steps=steps, pct_start=max(0.15, 2 / steps)
        )
        student.eval()
        for layer in layers:
            layer.train()
        rng = np.random.default_rng((self.config.seed, number))
        for raw in islice(self.views(APART * number), steps):
            view = _cropped(raw, phase.crop, rng)
            wanted, found = self.source(view, phase.until), student(view, phase.until)
            errors = student.errors(found, wanted)
            loss = torch.stack([w * errors[n] for n, w in phase.weights.items()]).sum()
            if phase.probabilities:
                loss = loss + phase.probabilities * functional.kl_div(
                    functional.log_softmax(found.logits, 1),
                    functional.softmax(wanted.logits, 1),
                    reduction="batchmean",
                )
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(learnt, 5.0)
            optimizer.step()
            schedule.step()

    @torch.no_grad()
    def explained(self, until: int) -> dict[int, float]:
        """Of each map up to `until`, the share of the variance on val that the student has."""
        self.student.eval()
        errors: dict[int, float] = {}
        for start in range(0, len(self.scored), BATCH):
            chosen = np.array(self.scored[start : start + BATCH])
            raw = pictures_to_raw(torch.from_numpy(chosen).to(self.device))
            found = self.student.errors(self.student(raw, until), self.source(raw, until))
            for number, error in found.items():
                errors[number] = errors.get(number, 0.0) + float(error) * len(raw)
        return {number: 1 - error / len(self.scored) for number, error in errors.items()}


def fit(
    config: TrainConfig,
    teacher: str,
    out: Path,
    cache: Path,
    steps: int,
    report: Callable[[str], None],
) -> None:
    """Write a checkpoint into `out` from which a training of the ResNeXt can start.

    steps: of all phases together, 16 or more.

    Stopped, the same command goes on after the phase that was finished last. Raises ValueError
    where `out` holds a checkpoint or a transplant with other settings, or `config` does not fit.
    """
    if (out / CARD_FILE).is_file():
        raise ValueError(f"{out} holds a checkpoint already; choose another --out")
    fitting = Fitting(config, teacher, cache)
    state, settings = out / STATE_FILE, repr((fitting.config, steps))
    done: list[dict[str, Any]] = []
    if state.is_file():
        kept = torch.load(state, map_location=fitting.device, weights_only=True)
        if kept["settings"] != settings:
            raise ValueError(f"{out} holds a transplant with other settings; choose another --out")
        fitting.student.load_state_dict(kept["student"])
        done = kept["done"]
    for number, phase in enumerate(PHASES[len(done) :], len(done) + 1):
        began, taken = time.monotonic(), round(phase.share * steps)
        fitting.prepare(number)
        fitting.learn(phase, number, taken)
        explained = {str(n): round(v, 4) for n, v in fitting.explained(phase.until).items()}
        seconds = round(time.monotonic() - began)
        done.append({"steps": taken, "seconds": seconds, "explained_on_val": explained})
        kept = {"settings": settings, "student": fitting.student.state_dict(), "done": done}
        with replacing(state) as temporary:
            torch.save(kept, temporary)
        shares = ", ".join(f"map {n} {v:.2f}" for n, v in explained.items())
        report(f"phase {number} of {len(PHASES)}: {seconds} s; variance explained on val: {shares}")
    card = _card(fitting, out.name, done)
    # In place of the folder with the state, which has done its work.
    save_checkpoint(out, fitting.student.network.state_dict(), card, half=False)


def _card(fitting: Fitting, name: str, done: Sequence[Mapping[str, Any]]) -> Card:
    config, taxonomy = fitting.given, fitting.taxonomy
    return Card(
        name=name,
        version=datetime.now(UTC).strftime("%Y.%m.%d"),
        backbone=STUDENT,
        taxonomy=taxonomy,
        preprocessing=get_backbone(STUDENT).preprocessing(fitting.size),
        licence=describe.licence(taxonomy),
        prior={code: 1 / len(taxonomy) for code in taxonomy.codes},
        description=(
            f"{STUDENT}, begun with the layers of {Path(config.teachers[0]).name} written into "
            "its own; then its stages learnt the feature maps of that network, one after another, "
            "on the training part of the data."
        ),
        provenance=lineage.provenance(config, taxonomy),
        training={
            "recipe": lineage.TRANSPLANT,
            "config": lineage.without_folders(config.to_dict()),
            "phases": list(done),
        },
        split={"sha256": split_hash(fitting.parts)},
    )


def _cropped(raw: torch.Tensor, share: float, rng: np.random.Generator) -> torch.Tensor:
    """A window of `share` of the side, at a place of its own for every batch.

    The side is a multiple of the largest stride of the maps that crops are used for.
    """
    side = round(raw.shape[-1] * share / STRIDE) * STRIDE
    top, left = (int(v) for v in rng.integers(0, raw.shape[-1] - side + 1, 2))
    return raw[..., top : top + side, left : left + side].contiguous()
