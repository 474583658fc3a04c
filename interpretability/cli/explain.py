"""What the commands do between parsing and printing. Needs torch only to explain."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from interpretability.attribution.explainer import Explainer, Explanation
from interpretability.method import PRECISIONS, Method, Parameter, check_precision
from interpretability.methods import METHODS, get_method
from interpretability.rendering import overlay
from models.registry.backbones import BACKBONES
from quality.arrays import RGBImage
from quality.names import printable
from quality.output import replacing


class CommandError(ValueError):
    """Wrong use of a command; the message is one sentence for the user."""


@dataclass(frozen=True)
class Requested:
    """A checked request of the `explain` command."""

    image: Path
    out: Path
    raw: Path | None
    methods: tuple[str, ...]
    precision: str
    target: str | None
    settings: dict[str, float]
    style: str
    opacity: float
    override_gate: bool

    @classmethod
    def checked(
        cls,
        image: Path,
        out: Path,
        raw: Path | None,
        methods: tuple[str, ...],
        precision: str,
        target: str | None,
        settings: Sequence[str],
        style: str,
        opacity: float,
        override_gate: bool,
    ) -> "Requested":
        """A request whose words are known; ValueError names what came and what is accepted."""
        for name in methods:
            get_method(name)
        check_precision(precision)
        if style not in overlay.STYLES:
            raise CommandError(
                f"unknown style {style!r}; the styles are {', '.join(overlay.STYLES)}"
            )
        if len(methods) > 1 and style != "side-by-side":
            raise CommandError("several methods go with --style side-by-side only")
        if len(methods) > 1 and raw is not None:
            raise CommandError("--raw takes the map of one method; several were named")
        if not 0 <= opacity <= 1:
            raise CommandError(f"--opacity must be from 0 to 1, got {opacity}")
        for option, path in (("--out", out), ("--raw", raw)):
            if path is not None and not path.absolute().parent.is_dir():
                raise CommandError(f"{option}: the folder of {printable(path)} does not exist")
            if path is not None and path.exists() and image.exists() and path.samefile(image):
                raise CommandError(f"{option}: {printable(path)} is the picture itself")
        values = dict(_setting(text) for text in settings)
        for name in methods:
            get_method(name).settings(precision, values)
        return cls(
            image, out, raw, methods, precision, target, values, style, opacity, override_gate
        )

    def picture(self) -> RGBImage:
        """The decoded picture; CommandError where it cannot be read or the gate rejects it."""
        from quality import ImageError, check, read, why_unread

        try:
            picture = read(self.image)
        except (ImageError, OSError) as error:
            raise CommandError(f"{printable(self.image)}: {why_unread(error)}") from None
        report = check(picture)
        if report.verdict == "reject" and not self.override_gate:
            raise CommandError(
                f"{printable(self.image)}: Please retake your image. {' '.join(report.reasons)} "
                "(--no-gate explains it all the same)"
            )
        return picture

    def expected_seconds(self, explainer: Explainer) -> float:
        """About how long it takes on two cores."""
        return sum(
            explainer.expected_seconds(name, self.precision, self.settings) for name in self.methods
        )


def _setting(text: str) -> tuple[str, float]:
    name, equals, value = text.partition("=")
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not equals or number != number:
        raise CommandError(f"--set takes NAME=NUMBER, got {text!r}")
    return name, number


def explained(
    explainer: Explainer,
    request: Requested,
    picture: RGBImage,
    method: str,
    progress: Callable[[float], None],
) -> Explanation:
    """One map of a request."""
    return explainer.explain(
        picture,
        method=method,
        precision=request.precision,
        target=request.target,
        settings=request.settings,
        progress=progress,
    )


def written(request: Requested, picture: RGBImage, found: Sequence[Explanation]) -> None:
    """Draw the maps and write the files that were asked for."""
    maps = [one.map for one in found]
    if request.style == "heatmap":
        drawn = overlay.heatmap(
            picture, maps[0], request.opacity, signed=METHODS[found[0].method].signed
        )
    elif request.style == "contours":
        drawn = overlay.contours(picture, maps[0])
    else:
        titles = [METHODS[one.method].label for one in found]
        drawn = overlay.side_by_side(picture, maps, titles, request.opacity)
    with replacing(request.out) as path:
        path.write_bytes(overlay.png(drawn))
    if request.raw is not None:
        with replacing(request.raw) as path, path.open("wb") as file:
            np.save(file, maps[0])


def method_rows() -> list[dict[str, str]]:
    """The table of methods for people, a row each."""
    rows = []
    for entry in METHODS.values():
        seconds = (f"{entry.expected_seconds(one):.1f}" for one in PRECISIONS)
        rows.append(
            {
                "method": entry.name,
                "sign": "for and against" if entry.signed else "strength only",
                "parameters (Low / Medium / High)": _parameters(entry.parameters),
                "seconds": " / ".join(seconds) if entry.has_precision else next(seconds),
                "works with": _works_with(entry),
                "notes": "fails the model-randomisation sanity check"
                if entry.fails_randomisation
                else "",
            }
        )
    return rows


def _works_with(entry: Method) -> str:
    refused = [name for name in BACKBONES if entry.supported(name)]
    taken = [name for name in BACKBONES if name not in refused]
    if not refused:
        return "all"
    shorter = len(taken) < len(refused)
    return "only " + ", ".join(taken) if shorter else "all but " + ", ".join(refused)


def _parameters(parameters: Sequence[Parameter]) -> str:
    return "\n".join(
        f"{one.name}: {' / '.join(f'{value:.3g}' for value in one.values)}" for one in parameters
    )
