"""Proven cases that look like a picture: the nearest by the features of the served network.

Among the assessments of the same owner whose lesion has a histology, and among the pictures of an
index (`Dashboard.proven.index`) where the operator has one. A lesion counts once, by its picture
that is nearest; the picture's own lesion is left out, and so is the same picture once more. A name
means the same lesion in both: an index may be made of what was exported here.
"""

import logging
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

import quality
from Dashboard.assess.service import ModelNotReady, Service
from Dashboard.proven.features import Space, features_model
from Dashboard.proven.histology import understood
from Dashboard.proven.index import Index, IndexUnusable, load
from Dashboard.store.errors import UnknownItem
from Dashboard.store.items import new_vector
from Dashboard.store.pictures import folder_of
from Dashboard.store.schema import Item, Lesion, Vector
from Dashboard.store.store import Store
from models.inference.vectors import SIZE, from_bytes

# From so many proven pictures on, their mean is taken off before angles are measured: what all
# pictures have in common is most of a vector. `docs/adr/0024-neighbours-by-last-features.md` has
# where this and the cosines below are from.
CENTRED_FROM = 100
SAME_PICTURE, SAME_UNCENTRED = 0.995, 0.99999
HARDLY = "hardly like it"
ALIKE = (
    (0.90, "very like it"),
    (0.80, "like it"),
    (0.70, "a little like it"),
    (-1.0, HARDLY),
)
# How long one request works out what older cases lack; the next one goes on.
FILL_SECONDS = 1.0
NEAREST = 10
UNJUDGED = "The picture was not judged, so it is not compared with others."
NO_FEATURES = "The model in use hands out no features to compare pictures by."
NOTHING = "There is no proven case to compare with yet: none of your lesions has a histology."

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Neighbour:
    """A proven lesion, by its picture that is nearest.

    key: of the owner's own assessment; row: of the index; the other one is None.
    name: of the lesion, or the picture's in the index.
    code: of the class; None: none of the classes, or a histology that is not understood.
    malignant: None: not understood.
    proven: how, in words; empty where that is not known.
    similarity: a cosine, at most 1.
    alike: the same in words; empty where there are too few proven pictures to say so.
    """

    key: str | None
    row: int | None
    name: str
    diagnosis: str
    code: str | None
    malignant: bool | None
    proven: str
    similarity: float
    alike: str


@dataclass(frozen=True)
class Similar:
    """The neighbours of a picture, the nearest first.

    model, version: whose features they were found by; empty where nothing was looked for.
    own, indexed: how many proven lesions of each kind were looked through.
    pending: how many assessments could not be looked at yet: ask again.
    reason: why there are no neighbours, a sentence; empty where there are.
    notice: what is wrong with the index, a sentence; empty where nothing is.
    """

    neighbours: Sequence[Neighbour] = ()
    model: str = ""
    version: str = ""
    own: int = 0
    indexed: int = 0
    pending: int = 0
    reason: str = ""
    notice: str = ""

    @property
    def counts(self) -> list[tuple[str, int]]:
        """Diagnoses and how many of the neighbours have them, the most frequent first."""
        return Counter(one.diagnosis for one in self.neighbours).most_common()

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "model": self.model,
            "version": self.version,
            "neighbours": [
                {
                    "source": "index" if one.key is None else "own",
                    "id": one.key,
                    "row": one.row,
                    "name": one.name,
                    "diagnosis": one.diagnosis,
                    "code": one.code,
                    "malignant": one.malignant,
                    "proven": one.proven,
                    "similarity": round(one.similarity, 4),
                    "alike": one.alike,
                }
                for one in self.neighbours
            ],
            "distribution": [{"diagnosis": name, "n": n} for name, n in self.counts],
            "own": self.own,
            "indexed": self.indexed,
            "pending": self.pending,
            "reason": self.reason,
            "notice": self.notice,
        }


class SimilarCases:
    """Finds proven cases that look like an assessment's picture; one for each server.

    index: the operator's; None: there is none.
    notice: why it cannot be used, a sentence, else empty.
    """

    def __init__(self, service: Service, store: Store) -> None:
        self.service, self.store = service, store
        self.index: Index | None = None
        self.notice = ""
        if service.config.index is not None:
            try:
                self.index = self._usable(load(service.config.index))
            except IndexUnusable as error:
                self.notice = f"The prepared cases are not shown: {error}."
                logger.warning("%s", error)

    def find(self, owner: str, key: str, k: int = NEAREST) -> Similar:
        """The `k` proven lesions that are nearest to an assessment's picture.

        Raises:
            UnknownItem, StoreUnavailable, StoreFull, ModelNotReady, CheckpointError.
        """
        item = self.store.get(owner, key)
        if item.code is None or item.verdict == "none":
            return Similar(reason=UNJUDGED, notice=self.notice)
        space = features_model(self.service)
        if space is None:
            return Similar(reason=NO_FEATURES, notice=self.notice)
        rows = self._proven(owner, item)
        vectors, pending = self._vectors(owner, item, rows, space)
        mine = vectors.pop(item.id, None)
        if mine is None:
            return Similar(reason=NO_FEATURES, notice=self.notice)
        rows = [row for row in rows if row.id in vectors]
        own = np.array([vectors[row.id] for row in rows], np.float32).reshape(-1, SIZE)
        indexed = own[:0] if self.index is None else self.index.vectors.astype(np.float32)
        lesion = item.lesion.name if item.lesion else None
        measured = _measured(np.concatenate([own, indexed]), mine)
        near = list(self._nearest(lesion, rows, *measured, k))
        return Similar(
            near,
            *space,
            own=len({row.name for row in rows}),
            indexed=0 if self.index is None else self.index.count,
            pending=pending,
            reason="" if near or pending else NOTHING,
            notice=self.notice,
        )

    def _nearest(
        self,
        lesion: str | None,
        rows: Sequence[Any],
        similarities: NDArray[np.float32],
        centred: bool,
        k: int,
    ) -> Iterator[Neighbour]:
        """The `k` lesions that are nearest, each once, without the same picture.

        lesion: the picture's own; None: it has none.
        similarities: (N,) of the rows, then of the index.
        centred: whether they mean the same whatever they are among.
        """
        same = SAME_PICTURE if centred else SAME_UNCENTRED
        seen = {lesion}
        for place in np.argsort(-similarities, kind="stable").tolist():
            similarity = float(similarities[place])
            own = place < len(rows)
            one = self._own(rows[place]) if own else self._indexed(place - len(rows))
            if similarity >= same or one["name"] in seen:
                continue
            seen.add(one["name"])
            alike = _in_words(similarity) if centred else ""
            yield Neighbour(**one, similarity=similarity, alike=alike)
            if len(seen) > k:
                return

    def _own(self, row: Any) -> dict[str, Any]:
        diagnosis = understood(row.histology)
        return {
            "key": row.key,
            "row": None,
            "name": row.name,
            "diagnosis": diagnosis.name if diagnosis else row.histology,
            "code": diagnosis and diagnosis.code,
            "malignant": diagnosis and diagnosis.malignant,
            "proven": "histology",
        }

    def _indexed(self, row: int) -> dict[str, Any]:
        index = self.index
        assert index is not None
        code = str(index.codes[row])
        return {
            "key": None,
            "row": row,
            "name": str(index.lesions[row]),
            "diagnosis": index.names[code],
            "code": code,
            "malignant": code in index.malignant,
            "proven": str(index.proven[row]),
        }

    def _usable(self, index: Index) -> Index:
        try:
            space = features_model(self.service)
        except (ModelNotReady, ValueError) as error:  # CheckpointError among them
            raise IndexUnusable(f"INDEX: {error}") from None
        made = Space(index.model, index.version)
        if made != space:
            served = "none that hands out features" if space is None else " ".join(space)
            raise IndexUnusable(
                f"INDEX: the index was made by {' '.join(made)}, this server's model is {served}; "
                "`python -m Dashboard index` makes it anew"
            )
        return index

    def _proven(self, owner: str, item: Item) -> Sequence[Any]:
        """Assessments of other lesions and pictures that were judged and have a histology."""
        found = (
            select(
                Item.id, Item.key, Lesion.name, Lesion.histology,
                Vector.model, Vector.version, Vector.data,
            )
            .join(Lesion, Item.lesion_id == Lesion.id)
            .outerjoin(Vector, Vector.item_id == Item.id)
            .where(
                Item.owner == owner,
                *self.store.in_force(),
                Lesion.histology.is_not(None),
                Item.code.is_not(None),
                Item.verdict != "none",
                Item.picture_id != item.picture_id,
            )
            .order_by(Item.id)
        )  # fmt: skip
        if item.lesion_id is not None:
            found = found.where(Item.lesion_id != item.lesion_id)
        with self.store.place.database.reading() as session:
            return session.execute(found).all()

    def _vectors(
        self, owner: str, item: Item, rows: Sequence[Any], space: Space
    ) -> tuple[dict[int, NDArray[np.float32]], int]:
        """Vectors (SIZE,) by the assessments' ids, and how many are still to be worked out.

        What has none of `space` gets one, the picture itself first, for as long as one request may
        take; what cannot be worked out, because it was deleted meanwhile, has none.
        """
        with self.store.place.database.reading() as session:
            mine = session.get(Vector, item.id)
        kept = {row.id: row for row in rows} | ({} if mine is None else {item.id: mine})
        data = {
            number: row.data
            for number, row in kept.items()
            if row.data and (row.model, row.version) == space
        }
        asked: list[Any] = [item, *rows]
        lacking = {one.id: one.key for one in asked if one.id not in data}
        made: dict[int, Vector | None] = {}
        end = time.monotonic() + FILL_SECONDS
        for number, key in lacking.items():
            if not made or time.monotonic() < end:
                made[number] = self._made(owner, key, space)
        new = {number: vector for number, vector in made.items() if vector is not None}
        self._keep(owner, new)
        data |= {number: vector.data for number, vector in new.items()}
        joined = from_bytes(b"".join(data.values())).astype(np.float32)
        return dict(zip(data, joined, strict=True)), len(lacking) - len(made)

    def _made(self, owner: str, key: str, space: Space) -> Vector | None:
        try:
            picture, _ = self.store.picture(owner, key)
            with self.service.cpu_slot():
                image = self.service.decode(picture).image
                (prediction,) = self.service.predictor(space.model).predict([image])
        except (UnknownItem, quality.ImageError):  # deleted meanwhile; limits that were lowered
            return None
        return new_vector(prediction)

    def _keep(self, owner: str, made: Mapping[int, Vector]) -> None:
        if not made:
            return
        with self.store.place.database.writing(folder_of(owner)) as session:
            # Some may have been deleted meanwhile.
            for number in session.scalars(select(Item.id).where(Item.id.in_(made))).all():
                one = made[number]
                kept = Vector(item_id=number, model=one.model, version=one.version, data=one.data)
                session.merge(kept)


def _measured(
    proven: NDArray[np.float32], mine: NDArray[np.float32]
) -> tuple[NDArray[np.float32], bool]:
    """The cosines (N,) of N vectors (N, SIZE) with one, and whether their mean was taken off."""
    centred = len(proven) >= CENTRED_FROM
    if centred:
        middle = proven.mean(0)
        proven, mine = proven - middle, mine - middle
    lengths = np.linalg.norm(proven, axis=1) * np.linalg.norm(mine)
    return np.asarray(proven @ mine / np.maximum(lengths, 1e-12)), centred


def _in_words(similarity: float) -> str:
    return next(words for least, words in ALIKE if similarity >= least)
