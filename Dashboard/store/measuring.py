"""What is measured of a lesion's pictures: when somebody looks, and then kept with the rows."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from sqlalchemy import select

import quality
from Dashboard.assess.retakes import Measure, retakes_below
from Dashboard.assess.service import Service
from Dashboard.store.database import in_words
from Dashboard.store.errors import StoreFull
from Dashboard.store.pictures import folder_of
from Dashboard.store.schema import Item, Measured, Registered
from Dashboard.store.store import Store
from quality.arrays import RGBImage
from quality.lesion import (
    Measurement,
    NotRegistered,
    Registration,
    change,
    measure,
    register,
    warp,
)

# Of what `quality.lesion` finds: another number measures anew what was measured before.
METHOD = 1
# Pictures are measured, laid onto each other and shown at this size at most.
LONGEST_SIDE = 1024
# So many of a lesion's pictures are measured, the latest.
MOST_MEASURED = 40
GONE = "The picture's file cannot be read."
JPEG_QUALITY = 88


@dataclass(frozen=True)
class Seen:
    """A measured picture: its width and height as it is shown, how many pixels its file has."""

    size: tuple[int, int]
    pixels: int
    measurement: Measurement


@dataclass
class Measurements:
    """Measures the pictures of one owner; an object for each request."""

    store: Store
    service: Service
    owner: str
    _pictures: dict[int, RGBImage] = field(default_factory=dict)
    _pixels: dict[int, int] = field(default_factory=dict)

    def of(self, item: Item) -> Seen:
        """What is measured of a picture.

        Raises:
            StoreUnavailable.
        """
        with self.store.place.database.reading() as session:
            known = session.scalar(select(Measured.found).where(Measured.item_id == item.id))
        if known is not None and known["method"] == METHOD:
            return Seen(
                tuple(known["size"]), known["pixels"], Measurement.from_dict(known["measurement"])
            )
        try:
            picture = self.picture(item)
        except (OSError, quality.ImageError):
            return Seen((1, 1), 1, Measurement(reason=GONE))
        with self.service.cpu_slot():
            found = measure(picture)
        size = (picture.shape[1], picture.shape[0])
        seen = Seen(size, self._pixels[item.id], found)
        kept = {
            "method": METHOD,
            "size": list(size),
            "pixels": seen.pixels,
            "measurement": found.to_dict(),
        }
        self._keep(Measured(item_id=item.id, found=kept), item)
        return seen

    def laid(self, first: Item, second: Item) -> Registration | str:
        """How one picture lies on another, at the size that they are shown, or why it does not.

        Raises:
            StoreUnavailable.
        """
        pair = (Registered.item_id == first.id, Registered.onto_id == second.id)
        with self.store.place.database.reading() as session:
            known = session.scalar(select(Registered.found).where(*pair))
        if known is not None and known["method"] == METHOD:
            laid = known["registration"]
            return str(known["reason"]) if laid is None else Registration.from_dict(laid)
        outlines = tuple(self.of(item).measurement.outline for item in (first, second))
        found: Registration | str
        try:
            one, other = self.picture(first), self.picture(second)
            with self.service.cpu_slot():
                found = register(one, other, (outlines[0], outlines[1]))
        except NotRegistered as refusal:
            found = str(refusal)
        except (OSError, quality.ImageError):
            return GONE
        failed = isinstance(found, str)
        kept = {
            "method": METHOD,
            "reason": found if failed else "",
            "registration": None if isinstance(found, str) else found.to_dict(),
        }
        self._keep(Registered(item_id=first.id, onto_id=second.id, found=kept), first, second)
        return found

    def warped(self, first: Item, second: Item, *, outline: bool = False) -> bytes | str:
        """A JPEG file of one picture as it lies on another or on itself, or why it does not.

        outline: with the outline that was found in it.

        Raises:
            StoreUnavailable.
        """
        found = None if first.id == second.id else self.laid(first, second)
        if isinstance(found, str):
            return found
        try:
            picture = self.picture(first)
        except (OSError, quality.ImageError):
            return GONE
        if outline:
            picture = _outlined(picture, self.of(first).measurement)
        if found is not None:
            with self.service.cpu_slot():
                picture = warp(picture, found, self.of(second).size)
        return _jpeg(picture)

    def picture(self, item: Item) -> RGBImage:
        """A picture, no larger than it is shown; that of the last two is at hand.

        Raises:
            OSError, quality.ImageError: its file was deleted meanwhile, or is damaged.
        """
        if item.id not in self._pictures:
            path = self.store.place.pictures.path(self.owner, item.picture.sha256)
            data = path.read_bytes()
            with self.service.cpu_slot():
                image = self.service.decode(data).image
                pixels = image.shape[0] * image.shape[1]
                factor = LONGEST_SIDE / max(image.shape[:2])
                if factor < 1:
                    size = [max(1, round(side * factor)) for side in image.shape[1::-1]]
                    image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
            while len(self._pictures) > 1:
                del self._pictures[next(iter(self._pictures))]
            self._pictures[item.id], self._pixels[item.id] = image, pixels
        return self._pictures[item.id]

    def changes(self, items: Sequence[Item]) -> list[dict[str, Any]]:
        """What changed from each picture to the next.

        Raises:
            StoreUnavailable.
        """
        return [self.change(*pair) for pair in pairwise(items)]

    def course(self, items: Sequence[Item]) -> list[dict[str, float | None]]:
        """Of each picture: `area` by that of the first, and `colour`, how far it is from it.

        None where that cannot be measured.

        Raises:
            StoreUnavailable.
        """
        first = self.of(items[0]).measurement
        course: list[dict[str, float | None]] = [
            {"area": first.area and 1.0, "colour": first.colour and 0.0}
        ]
        for item in items[1:]:
            found = self.change(items[0], item)
            area = found["area"]
            course.append({"area": None if area is None else 1 + area, "colour": found["colour"]})
        return course

    def change(self, first: Item, second: Item) -> dict[str, Any]:
        """What changed from one picture to another.

        Raises:
            StoreUnavailable.
        """
        laid = self.laid(first, second)
        one, other = self.of(first), self.of(second)
        registration = None if isinstance(laid, str) else laid
        pixels = (one.size[0] * one.size[1], other.size[0] * other.size[1])
        found = change(one.measurement, other.measurement, pixels, registration)
        same = (first.model, first.version) == (second.model, second.version)
        risks = (first.p_malignant, second.p_malignant)
        risk = None if None in risks or not same else risks[1] - risks[0]  # type: ignore[operator]
        by = registration and registration.by
        kind: Measure = "area_by_skin" if by == "skin" else "area"
        return {
            "from": first.key,
            "to": second.key,
            "registered": registration is not None,
            "reason": laid if isinstance(laid, str) else None,
            "by": by,
            "points": registration and registration.points,
            "correlation": registration and registration.correlation,
            "scale": registration and registration.scale,
            "degrees": registration and registration.degrees,
            "area": found.area,
            "area_retakes_below": retakes_below(kind, found.area),
            "colour": found.colour,
            "colour_retakes_below": retakes_below("colour", found.colour),
            "p_malignant": None if risk is None else round(risk, 6),
            "p_malignant_retakes_below": retakes_below("p_malignant", risk),
        }

    def _keep(self, row: Measured | Registered, *items: Item) -> None:
        """Keep what was measured, where what it is of is still there."""
        # What finds no room is measured again when it is asked for again.
        with (
            suppress(StoreFull),
            in_words(),
            self.store.place.database.writing(folder_of(self.owner)) as session,
        ):
            ids = [item.id for item in items]
            there = session.scalars(select(Item.id).where(Item.id.in_(ids))).all()
            if set(there) == set(ids):
                session.merge(row)


def measured(item: Item, seen: Seen) -> dict[str, Any]:
    """What was measured of a picture, as the API answers."""
    found = seen.measurement.to_dict()
    own = {"reason": found["reason"] or None, "area_mm2": area_mm2(item, seen)}
    return found | own


def area_mm2(item: Item, seen: Seen) -> float | None:
    """The lesion's area, where there is an outline and the picture's scale is known."""
    area, scale = seen.measurement.area, item.pixels_per_mm
    return None if area is None or scale is None else round(area * seen.pixels / scale**2, 2)


def _outlined(picture: RGBImage, found: Measurement) -> RGBImage:
    """The picture with its lesion's outline drawn, light on dark so that it is seen on any skin."""
    if not found.outline:
        return picture
    height, width = picture.shape[:2]
    corners = np.round(np.array(found.outline) * (width, height)).astype(np.int32)
    drawn, line = picture.copy(), max(1, round(max(width, height) / 400))
    cv2.polylines(drawn, [corners], True, (0, 0, 0), 3 * line, cv2.LINE_AA)
    cv2.polylines(drawn, [corners], True, (255, 255, 255), line, cv2.LINE_AA)
    return drawn


def _jpeg(image: RGBImage) -> bytes:
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return data.tobytes()
