"""What a checkpoint answers to pictures as it is served, kept so that it is asked once for each.

Card, OOD score and reports of a checkpoint are made of the same answers, so that they show the same
figures. Kept are the logits and the embedding of each network, which do not depend on what is
chosen later: temperature, thresholds, the parameters of the OOD score. An ensemble's answers are
the weighted mean of its members', as in the graph that serves.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import quality
from models.checkpoint.card import WEIGHTS_FILE as WEIGHTS
from models.checkpoint.card import Card, file_sha256, load_card, member_folders
from models.checkpoint.ood_parameters import load_ood
from models.export.export import EXPORT_VERSION, GRAPH_FILE, export
from models.inference.classifier import choose_precision
from models.inference.views import set_upright
from quality.arrays import RGBImage
from quality.output import replacing
from retraining.progress import NamedProgressCallback

BATCH = 16
KEEP = 640  # pictures after which answers are kept, so that a stopped command goes on
Change = Callable[[RGBImage], RGBImage]


@dataclass(frozen=True)
class Pictures:
    """N pictures that are read when they are needed.

    name: names them in the cache, with how they were changed.
    ids: (N,) a name for each, different within these.
    read: the picture at a place.
    upright: whether they are set upright first, as the classifier does.
    """

    name: str
    ids: Sequence[str]
    read: Callable[[int], RGBImage]
    upright: bool = True

    def __len__(self) -> int:
        return len(self.ids)


def pictures_of(
    name: str,
    frame: pd.DataFrame,
    change: Callable[[int], Change] | None = None,
    *,
    upright: bool = True,
) -> Pictures:
    """The pictures of N rows with `image_id` and `path`, each changed as `change` says by place."""
    paths = [Path(path) for path in frame.path]

    def read(place: int) -> RGBImage:
        image = quality.read(paths[place])
        return image if change is None else change(place)(image)

    return Pictures(name, frame.image_id.astype(str).tolist(), read, upright)


@dataclass(frozen=True)
class Answers:
    """What a checkpoint answers to N pictures.

    logits: (N, K), before the card's temperature.
    ood: (N,) scores; None where the checkpoint has none.
    """

    logits: NDArray[np.float64]
    ood: NDArray[np.float64] | None


class ServedModel:
    """A checkpoint that is asked for answers.

    folder: of the checkpoint; its export is made where it is missing.
    cache: where answers are kept; None: nowhere.
    """

    def __init__(
        self,
        folder: Path,
        cache: Path | None = None,
        progress: NamedProgressCallback | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.card: Card = load_card(folder)
        self.members: list[ServedModel] = [
            ServedModel(one, cache, progress) for one in member_folders(folder, self.card)
        ]
        backbones = [one.card.backbone for one in self.members] or [self.card.backbone]
        self.precision: str = choose_precision("auto", *backbones)
        self._cache = cache
        self._progress = progress
        self._graph: Any = None

    def answers(self, pictures: Pictures) -> Answers:
        """The answers to each picture."""
        if self.members:
            return self._joined([one.answers(pictures) for one in self.members])
        return self._answers(*self.outputs(pictures))

    def scores(self, pictures: Pictures) -> NDArray[np.float64]:
        """The OOD scores (N,); ValueError where the checkpoint has none."""
        found = self.answers(pictures).ood
        if found is None:
            raise ValueError(f"{self.card.name} has no out-of-distribution score; fit it first")
        return found

    def outputs(self, pictures: Pictures) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Logits (N, K) and embeddings (N, E) of one network; not of an ensemble."""
        kept = self._kept(pictures.name)
        lacking = [place for place, name in enumerate(pictures.ids) if name not in kept]
        resize = self.card.preprocessing.resize
        with ThreadPoolExecutor() as pool:
            for start in range(0, len(lacking), BATCH):
                places = lacking[start : start + BATCH]
                images = list(pool.map(pictures.read, places))
                if pictures.upright:
                    images = [set_upright(image)[0] for image in images]
                rows = zip(*self._asked(np.stack([resize(one) for one in images])), strict=True)
                kept |= {pictures.ids[place]: row for place, row in zip(places, rows, strict=True)}
                done = start + len(places)
                if done == len(lacking) or done % KEEP == 0:
                    self._keep(pictures.name, kept)
                if self._progress:
                    self._progress(f"{self.card.name}, {pictures.name}", done, len(lacking))
        found = [kept[name] for name in pictures.ids]
        return (
            np.stack([logits for logits, _ in found]).astype(np.float64),
            np.stack([embedding for _, embedding in found]).astype(np.float32),
        )

    def _answers(self, logits: NDArray[np.float64], embeddings: NDArray[np.float32]) -> Answers:
        parameters = load_ood(self.folder)
        return Answers(logits, None if parameters is None else parameters.score(embeddings))

    def _joined(self, found: Sequence[Answers]) -> Answers:
        """As `models.export.graph` joins an ensemble's members."""
        logs = [
            log_probabilities(one.logits, member.card.temperature) + np.log(share)
            for one, member, share in zip(found, self.members, self.card.shares, strict=True)
        ]
        scores = [one.ood for one in found if one.ood is not None]
        mean = np.logaddexp.reduce(np.stack(logs), axis=0)
        return Answers(mean, np.mean(scores, axis=0) if len(scores) == len(found) else None)

    def _asked(self, squares: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        found = self._compiled()(squares)
        return np.array(found[0], np.float64), np.array(found[1], np.float32)

    def _compiled(self) -> Any:
        """The graph that serves, with the outputs that are kept."""
        from models.runtime import ov

        if self._graph is None:
            core = ov.Core()
            model = core.read_model(export(self.folder) / GRAPH_FILE)
            asked = [model.output(name) for name in ("logits", "embedding")]
            model = ov.Model(asked, model.get_parameters(), self.card.name)
            settings = {"INFERENCE_PRECISION_HINT": self.precision}
            self._graph = core.compile_model(model, "CPU", settings)
        return self._graph

    def _file(self, what: str) -> Path | None:
        if self._cache is None:
            return None
        weights = self.card.weights_sha256 or file_sha256(self.folder / WEIGHTS)
        folder = f"{self.card.name}-{weights[:12]}-{self.precision}-{EXPORT_VERSION}"
        return self._cache / folder / f"{what.replace(' ', '_')}.npz"

    def _kept(self, what: str) -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
        file = self._file(what)
        if file is None or not file.is_file():
            return {}
        with np.load(file) as held:
            ids, logits, embeddings = held["ids"], held["logits"], held["embeddings"]
        return dict(zip(ids.tolist(), zip(logits, embeddings, strict=True), strict=True))

    def _keep(self, what: str, rows: dict[str, tuple[NDArray[Any], NDArray[Any]]]) -> None:
        file = self._file(what)
        if file is None:
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as temporary, temporary.open("wb") as out:
            np.savez(
                out,
                ids=np.array(list(rows)),
                logits=np.stack([logits for logits, _ in rows.values()]),
                embeddings=np.stack([one for _, one in rows.values()]).astype(np.float16),
            )


def log_probabilities(logits: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """The logarithms of the calibrated probabilities of logits (N, K)."""
    scaled = logits / temperature
    return np.asarray(scaled - np.logaddexp.reduce(scaled, axis=1, keepdims=True))
