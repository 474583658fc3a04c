"""What a pathologist found, in a clinic's words, as one of the model's classes; never a guess.

A text is understood where every word of it is: the names of one diagnosis and what may stand
beside them ("nodular", "in situ", "Breslow 0.4 mm"). One word more, be it "no", "or" or
"suspected", and it is not: whoever writes so means something that no list of words can tell.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from models.registry.taxonomy import HAM10000

# By class; SCC is akiec, as in HAM10000. Spelt without ae, oe and accents, see `_words`.
_PHRASES = {
    "akiec": "ak, actinic keratosis, actinic keratoses, solar keratosis, bowen, bowen disease, "
    "morbus bowen, intraepithelial carcinoma, scc, squamous cell carcinoma, "
    "squamous cell carcinoma in situ, spinalioma",
    "bcc": "basalioma, basal cell carcinomas",
    "bkl": "benign keratosis, seborrheic keratosis, seborrheic keratoses, sk, solar lentigo, "
    "solar lentigines, senile lentigo, lichen planus like keratosis, lplk, lichenoid keratosis, "
    "verruca seborrhoica, benign keratosis like lesion",
    "df": "dermatofibromas, histiocytoma, fibrous histiocytoma, benign fibrous histiocytoma",
    "mel": "malignant melanoma, melanom, lentigo maligna, lentigo maligna melanoma, ssm, lmm",
    "nv": "nevus, nevi, melanocytic nevus, benign nevus, benign melanocytic nevus, mole, nevuses",
    "vasc": "vascular lesion, hemangioma, hemangiomas, angioma, angiomas, cherry angioma, "
    "angiokeratoma, pyogenic granuloma, hemorrhage, venous lake",
}
# Of none of the seven classes.
_OTHERS = {
    True: "merkel cell carcinoma, kaposi sarcoma, angiosarcoma, dermatofibrosarcoma protuberans, "
    "cutaneous lymphoma, metastasis, cutaneous metastasis, extramammary paget disease, "
    "sebaceous carcinoma, atypical fibroxanthoma",
    False: "wart, verruca vulgaris, scar, cyst, epidermoid cyst, neurofibroma, lipoma, skin tag, "
    "fibroma, eczema, psoriasis, normal skin, sebaceous hyperplasia, clear cell acanthoma, "
    "porokeratosis, poroma",
}
# What may stand beside a name.
_BESIDE = (
    "superficial spreading nodular acral lentiginous amelanotic invasive in situ early thin "
    "thick pigmented ulcerated compound junctional dermal intradermal dysplastic atypical "
    "congenital blue spitz reed halo recurrent combined common acquired multifocal "
    "infiltrating infiltrative sclerosing morpheaform micronodular well moderately poorly "
    "differentiated hyperkeratotic hypertrophic irritated inflamed acanthotic reticulated "
    "macular of the and with grade level stage breslow clark thickness mm subtype type low "
    "high mild moderate severe dysplasia regression i ii iii iv v ptis pt1 pt1a pt1b pt2 pt2a "
    "pt2b pt3 pt3a pt3b pt4 pt4a pt4b "
)
_NUMBER = re.compile(r"\d{1,3}(\.\d{1,3})?(mm)?")
_LONGEST = 8  # words of a phrase


@dataclass(frozen=True)
class Diagnosis:
    """What was found.

    code: of a class; None: of none of them.
    """

    name: str
    code: str | None
    malignant: bool


def understood(histology: str) -> Diagnosis | None:
    """The diagnosis that a text states; None where that is not clear.

    Examples:
        >>> understood("Nodular melanoma, Breslow 0.8 mm").code
        'mel'
        >>> understood("SCC").name, understood("Merkel cell carcinoma").malignant
        ("Actinic keratoses and intraepithelial carcinoma / Bowen's disease", True)
        >>> understood("no melanoma"), understood("melanoma or naevus"), understood("SCC?")
        (None, None, None)
    """
    words = [] if "?" in histology else list(_words(histology))
    found = set()
    at = 0
    while at < len(words):
        for length in range(min(_LONGEST, len(words) - at), 0, -1):
            known = _phrases().get(tuple(words[at : at + length]))
            if known is not None:
                found.add(known)
                at += length
                break
        else:
            if words[at] not in _BESIDE.split() and not _NUMBER.fullmatch(words[at]):
                return None
            at += 1
    return found.pop() if len(found) == 1 else None


def _words(text: str) -> Iterator[str]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    plain = re.sub("[ao]e|æ|œ", "e", plain).replace("'s ", " ").replace("’s ", " ")
    # A comma between digits is a decimal one.
    plain = re.sub(r"(?<=\d),(?=\d)", ".", plain)
    yield from re.findall(r"[^\W_]+(?:\.\d+)?(?:mm)?", plain)


@cache
def _phrases() -> dict[tuple[str, ...], Diagnosis]:
    found = {}
    for code, name in zip(HAM10000.codes, HAM10000.names, strict=True):
        diagnosis = Diagnosis(name, code, code in HAM10000.malignant)
        for phrase in (code, name, *_PHRASES[code].split(", ")):
            found[tuple(_words(phrase))] = diagnosis
    for malignant, phrases in _OTHERS.items():
        for phrase in phrases.split(", "):
            name = phrase[0].upper() + phrase[1:]
            found[tuple(_words(phrase))] = Diagnosis(name, None, malignant)
    return found
