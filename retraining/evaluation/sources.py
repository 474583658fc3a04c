"""Pictures of other clinics, beside a checkpoint's own split: to choose on, and to measure on."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

import quality
from models.registry.taxonomy import Taxonomy
from retraining.data.index import load_index
from retraining.evaluation.answers import Pictures, pictures_of

PARTS = {"train": "train", "choose": "val", "external": "test"}
"""What the splits of a source are for: to train on, to choose thresholds on, to measure alone."""
AT_MOST = 1000  # pictures of a part
AT_MOST_SMALL = 300  # of train: more blurred pictures teach a score to pass what is blurred
SMALL = 100  # pixels: the longer side below which a source's pictures are judged apart


@dataclass(frozen=True)
class Source:
    """The pictures of one source, a frame for each part of `PARTS` that it has.

    small: whether they are too small to be judged with the others.
    """

    name: str
    parts: dict[str, pd.DataFrame]
    small: bool

    def pictures(self, part: str) -> Pictures:
        """Those of a part."""
        return pictures_of(f"{self.name} {part}", self.parts[part])


def read_sources(given: Sequence[str], taxonomy: Taxonomy, at_most: int = AT_MOST) -> list[Source]:
    """The sources that are given as `NAME=FOLDER`, the folder of a split made with `parts`.

    An image that is in two of them counts for the first. Of a part at most `at_most` images are
    taken, by the hash of their names, so that the same ones are taken whatever else is there.
    Raises ValueError for another form, and for a source without a part to choose or measure on.
    """
    found: list[Source] = []
    taken: set[str] = set()
    for text in given:
        name, sign, folder = text.partition("=")
        if not (name and sign and folder):
            raise ValueError(f"a source is given as NAME=FOLDER, the folder of a split; got {text}")
        files = {part: Path(folder) / f"{split}.csv" for part, split in PARTS.items()}
        lacking = [file.name for file in files.values() if not file.is_file()]
        if lacking:
            raise ValueError(f"the source {name} has no {lacking[0]} in {folder}")
        # Not as a split is loaded: a source may lack classes.
        whole = {part: load_index(file) for part, file in files.items()}
        parts = {}
        for part, frame in whole.items():
            frame = frame[frame.dx.isin(taxonomy.codes) & ~frame.image_id.isin(taken)]
            order = frame.image_id.map(_hash).sort_values(kind="stable").index[:at_most]
            parts[part] = frame.loc[sorted(order)].reset_index(drop=True)
        small = _small(parts["choose"])
        if small:
            few = parts["train"].image_id.map(_hash).sort_values().index[:AT_MOST_SMALL]
            parts["train"] = parts["train"].loc[sorted(few)].reset_index(drop=True)
        taken |= {one for frame in whole.values() for one in frame.image_id}
        found.append(Source(name, parts, small))
    return found


def _hash(image_id: str) -> str:
    return hashlib.sha256(str(image_id).encode()).hexdigest()


def _small(frame: pd.DataFrame) -> bool:
    """By the first picture: the sizes within a source are alike."""
    return bool(max(quality.read(Path(frame.path.iloc[0])).shape[:2]) < SMALL)
