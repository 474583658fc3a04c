"""Diagnostic classes: their order, their full names and which of them are malignant."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Taxonomy:
    """An ordered set of classes; class `i` of a network's output is `codes[i]`.

    codes: short codes, alphabetical, as in the `dx` column of a metadata file.
    names: full names, in the order of `codes`.
    malignant: the codes that call for a consultation.

    >>> HAM10000.name("mel"), HAM10000.index("mel"), HAM10000.malignant_indices
    ('Melanoma', 4, (0, 1, 4))
    >>> own = Taxonomy(("benign", "melanoma"), ("Benign", "Melanoma"), frozenset({"melanoma"}))
    >>> len(own), own.codes[own.malignant_indices[0]]
    (2, 'melanoma')
    """

    codes: tuple[str, ...]
    names: tuple[str, ...]
    malignant: frozenset[str]

    def __post_init__(self) -> None:
        if len(self.codes) < 2 or len(set(self.codes)) != len(self.codes):
            raise ValueError(f"codes must be two or more different codes, got {self.codes!r}")
        if list(self.codes) != sorted(self.codes):
            raise ValueError(f"codes must be in alphabetical order, got {self.codes!r}")
        if len(self.names) != len(self.codes):
            raise ValueError(
                f"names must give one name per code: {len(self.names)} names, "
                f"{len(self.codes)} codes"
            )
        unknown = self.malignant - set(self.codes)
        if unknown:
            raise ValueError(
                f"malignant holds {sorted(unknown)}, which are not among the codes {self.codes!r}"
            )

    def __len__(self) -> int:
        return len(self.codes)

    def index(self, code: str) -> int:
        """Position of `code` in the network's output; ValueError names the accepted codes."""
        try:
            return self.codes.index(code)
        except ValueError:
            raise ValueError(
                f"unknown class {code!r}; the classes are {', '.join(self.codes)}"
            ) from None

    def name(self, code: str) -> str:
        """Full name of `code`."""
        return self.names[self.index(code)]

    @property
    def malignant_indices(self) -> tuple[int, ...]:
        """Positions of the malignant classes in the network's output."""
        return tuple(i for i, code in enumerate(self.codes) if code in self.malignant)

    def to_dict(self) -> dict[str, Any]:
        """JSON form, as stored on a checkpoint's card."""
        return {
            "codes": list(self.codes),
            "names": list(self.names),
            "malignant": sorted(self.malignant),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Taxonomy":
        """Inverse of `to_dict`."""
        return cls(tuple(data["codes"]), tuple(data["names"]), frozenset(data["malignant"]))


# Classes and names: Tschandl, Rosendahl & Kittler, Sci. Data 5, 180161 (2018), table 1.
# Actinic keratoses are grouped with the malignant classes: that class of HAM10000 includes
# intraepithelial carcinoma (Bowen's disease), and both need treatment.
HAM10000 = Taxonomy(
    codes=("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"),
    names=(
        "Actinic keratoses and intraepithelial carcinoma / Bowen's disease",
        "Basal cell carcinoma",
        "Benign keratosis-like lesions",
        "Dermatofibroma",
        "Melanoma",
        "Melanocytic nevi",
        "Vascular lesions",
    ),
    malignant=frozenset({"akiec", "bcc", "mel"}),
)
