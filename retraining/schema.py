"""Settings as frozen pydantic models, and their errors as one sentence that helps."""

import contextlib
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

KINDS = {float: "a number", int: "a whole number", bool: "true or false", str: "a word"}
NEAR = 0.6  # least likeness of a key that is suggested
MISSPELT = 0.85  # share of letters in common, above which a key is but misspelt


@dataclass(frozen=True)
class Accepts:
    """What a field accepts, in words, where its type and bounds do not say it well."""

    words: str


def _number(value: object) -> object:
    """YAML 1.1 takes `1e-4` for text."""
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            return float(value)
    return value


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _names(value: object) -> object:
    return (value,) if isinstance(value, str) else _tuple(value)


Number = Annotated[float, BeforeValidator(_number)]
Names = Annotated[tuple[str, ...], BeforeValidator(_names), Accepts("a list of names")]
Listed = BeforeValidator(_tuple)  # of a tuple that a file gives as a list


class Settings(BaseModel):
    """Frozen values with bounds; keys that it does not know are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @classmethod
    def read(cls, values: Mapping[str, Any], aliases: Mapping[str, str] | None = None) -> Self:
        """The settings of plain values, as a file holds them.

        aliases: other names that people use for settings; they are suggested, not accepted.
        Raises ValueError, one sentence that names the key, what came and what is accepted.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ValueError(_sentence(cls, values, error, aliases or {})) from None

    def replace(self, **changes: Any) -> Self:
        """A copy with other values, checked like the first; ValueError as `read`."""
        return self.read(dict(self) | changes)


def keys(model: type[Settings], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """The settings of a model by the name that `--set` takes; those of a group with a dot."""
    for name, field in model.model_fields.items():
        group = _group(field)
        if group:
            yield from keys(group, f"{prefix}{name}.")
        else:
            yield prefix + name, field


def accepted(field: FieldInfo) -> str:
    """What a setting takes: `one of a, b`, `0 to 1`, `a whole number, 1 or more`."""
    words = [one.words for one in field.metadata if isinstance(one, Accepts)]
    if words:
        return words[0]
    if get_origin(field.annotation) is Literal:
        return f"one of {', '.join(map(str, get_args(field.annotation)))}"
    bounds = _bounds(field)
    kind = _kind(field)
    if bounds and field.annotation is float:
        return bounds
    return f"{kind}, {bounds}" if bounds else kind


def suggestion(key: str, known: Mapping[str, str]) -> str | None:
    """The setting that `key` was meant to be; None where nothing is near.

    known: settings, under their own names and under others that people use for them.
    """
    wanted = key.lower().replace("-", "_")

    def likeness(name: str) -> float:
        ratio = difflib.SequenceMatcher(None, wanted, name).ratio()
        if ratio > MISSPELT:
            return 1 + ratio
        theirs, ours = set(name.split("_")), set(wanted.split("_"))
        # `picture_size` means `size`, although `batch_size` has more letters of it.
        return ratio + (0.4 if theirs <= ours else 0.2 * len(theirs & ours) / len(theirs | ours))

    best = max(known, key=likeness)
    return known[best] if likeness(best) >= NEAR else None


def _group(field: FieldInfo) -> type[Settings] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Settings) else None


def _kind(field: FieldInfo) -> str:
    return KINDS.get(field.annotation, "keys and values")  # type: ignore[arg-type]


def _bounds(field: FieldInfo) -> str:
    found = {
        name: getattr(one, name)
        for one in field.metadata
        for name in ("ge", "gt", "le", "lt")
        if getattr(one, name, None) is not None
    }
    low = (
        [f"above {found['gt']:g}"]
        if "gt" in found
        else [f"{found[k]:g}" for k in found if k == "ge"]
    )
    high = (
        [f"below {found['lt']:g}"]
        if "lt" in found
        else [f"{found[k]:g}" for k in found if k == "le"]
    )
    if low and not high:
        return low[0] if "gt" in found else f"{low[0]} or more"
    return " to ".join(low + high)


def _sentence(
    model: type[Settings],
    values: Mapping[str, Any],
    error: ValidationError,
    aliases: Mapping[str, str],
) -> str:
    problems = error.errors(include_url=False)
    # A misspelt key first: the others may follow from it.
    problem = min(problems, key=lambda one: one["type"] != "extra_forbidden")
    at = _locate(model, values, problem["loc"])
    if problem["type"] == "extra_forbidden":
        return _unknown(model, at, aliases)
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"])
    assert at.field is not None
    if problem["type"] == "missing":
        return f"{at.path} is missing; it must be {accepted(at.field)}"
    worded = any(isinstance(one, Accepts) for one in at.field.metadata)
    if problem["type"].endswith("_type") and not worded:
        must = f"has a value of the wrong type: it must be {_kind(at.field)}"
    else:
        must = (
            f"must be {accepted(at.field) if worded else _bounds(at.field) or accepted(at.field)}"
        )
    return f"{at.path} {must}, got {at.value!r}"


@dataclass(frozen=True)
class _Place:
    """A place in a file of settings: its path, the model of its keys, its field and value."""

    path: str
    model: type[Settings]
    field: FieldInfo | None
    value: Any


def _locate(model: type[Settings], values: Any, loc: tuple[int | str, ...]) -> _Place:
    """The place that pydantic names by `loc`, whose last steps may lie within a field."""
    path: list[str] = []
    field: FieldInfo | None = None
    inner: type[Settings] | None = model
    for step in loc:
        if isinstance(step, str) and inner is None:
            break  # an alternative of a type, or a key of a mapping
        path.append(str(step))
        if isinstance(step, int) and field is not None:
            values, inner = values[step], get_args(field.annotation)[0]
            continue
        assert inner is not None
        values = (
            values.get(step) if isinstance(values, Mapping) else getattr(values, str(step), None)
        )
        model, field = inner, inner.model_fields.get(str(step))
        inner = _group(field) if field else None
    return _Place(".".join(path), model, field, values)


def _unknown(model: type[Settings], at: _Place, aliases: Mapping[str, str]) -> str:
    prefix, _, key = at.path.rpartition(".")
    names = [f"{prefix}.{name}" if prefix else name for name in at.model.model_fields]
    own = {name.rpartition(".")[2]: name for name in names}
    known = {name.rpartition(".")[2]: name for name, _ in keys(model)} | dict(aliases) | own
    near = suggestion(key, known)
    hint = f"; did you mean {near}?" if near else ""
    if not prefix:
        names += [name for name, meant in aliases.items() if name == meant]
    return f"unknown key {at.path}{hint} (known: {', '.join(names)})"
