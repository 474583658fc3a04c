"""Settings of the dashboard: every environment variable is read here and nowhere else."""

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Literal, cast, get_args

from Dashboard.parsing import database_url, duration, redis_url, shorten
from Dashboard.web.proxy import LONGEST_PREFIX, PREFIX, Network, read_networks
from models.registry.taxonomy import HAM10000
from quality import GATES, Limits, Mode

AdviceRule = Literal["threshold", "argmax"]
Explain = Literal["lazy", "ready", "off"]
# How often each class occurs among the 10,015 images of HAM10000 (Tschandl et al. 2018, table 1).
HAM10000_COUNTS: Mapping[str, int] = MappingProxyType(
    {"akiec": 327, "bcc": 514, "bkl": 1099, "df": 115, "mel": 1113, "nv": 6705, "vasc": 142}
)
SENSITIVITIES = (0.90, 0.95, 0.98)
MEBIBYTE = 2**20
LOOPBACK = "127.0.0.1,::1"
# Beside the image a request carries its field names, the multipart boundaries or the JSON
# around it, and a page's request the identifiers of its controls.
BODY_MARGIN_BYTES = 64 * 1024
# So many of the largest images may a zip archive weigh: with what else is sent, as much as a server
# process holds for one client anyway.
ARCHIVE_IMAGES = 4
IN_MEMORY_RETENTION = timedelta(hours=12)


@dataclass(frozen=True)
class Setting:
    """One environment variable: its name, what it is when unset, and what it means."""

    name: str
    default: str
    meaning: str


SETTINGS: tuple[Setting, ...] = (
    Setting("MODEL", "resnext50_32x4d", "checkpoint that is used where a request names none"),
    Setting("PORT", "8050", "port that the server listens on"),
    Setting("MAX_UPLOAD_MB", "15", "largest image file in MB (2^20 bytes); bodies follow from it"),
    Setting("MAX_MEGAPIXELS", "50", "largest image in millions of pixels"),
    Setting(
        "GATE",
        "normalised",
        "`normalised`: sharpness 15 at the common working size of 600 x 450, contrast 0.15; "
        "`classic`: sharpness at the image's own size; "
        "`recommended`: at the working size, with the thresholds that `reports/gate` found",
    ),
    Setting(
        "ADVICE",
        "threshold",
        "`threshold`: the operating point on the model's card, where it "
        "has one, or a malignant predicted class; `argmax`: the predicted class alone",
    ),
    Setting(
        "SENSITIVITY",
        "0.95",
        "share of malignant lesions that the operating point is to find: `0.90`, `0.95` or `0.98`",
    ),
    Setting(
        "PRIOR",
        "evenly frequent",
        "class frequencies of the clinic: `ham10000`, or all seven as `akiec=0.03,bcc=0.05,...`",
    ),
    Setting(
        "TTA",
        "0",
        "`1`: average every prediction over mirrored and turned views; slower",
    ),
    Setting("WEB_CONCURRENCY", "from the cores", "worker processes of the server"),
    Setting(
        "CACHE_DIR", "the user's cache folder", "where `python -m models export` keeps its results"
    ),
    Setting(
        "EXPLAIN",
        "lazy",
        "`lazy`: the process that explains, 1.3 GB of memory and up to twice that while it works, "
        "starts at the first explanation; `ready`: with the server; `off`: never",
    ),
    Setting(
        "DATA_DIR",
        "in memory",
        "folder that keeps assessments and their pictures until they are deleted; without it they "
        "are gone with the server. Explanations of what is not kept lie there for at most "
        "15 minutes",
    ),
    Setting(
        "DATABASE_URL",
        "SQLite",
        "PostgreSQL for the assessments, `postgresql://USER:PASSWORD@HOST/NAME`; the pictures' "
        "files lie in `DATA_DIR`",
    ),
    Setting(
        "RETENTION",
        "12h in memory",
        "how long assessments are kept at most: `30m`, `12h`, `90d`; with `DATA_DIR` they are "
        "kept until they are deleted where this is not set",
    ),
    Setting(
        "STORE_MB",
        "half of the memory's place, at most 1024",
        "most that assessments and their pictures may take, in MB; with `DATA_DIR` as much as "
        "there is where this is not set",
    ),
    Setting(
        "INDEX",
        "none",
        "index of proven cases that a picture is compared with, which `python -m Dashboard index` "
        "makes of a prepared data set",
    ),
    Setting(
        "BASE_PATH",
        "none",
        "path that a proxy serves the dashboard below, such as `/derma`, whether it strips it or "
        "not; without it, what a trusted proxy says in `X-Forwarded-Prefix` or `SCRIPT_NAME`",
    ),
    Setting(
        "FORWARDED_ALLOW_IPS",
        "127.0.0.1,::1",
        "addresses and networks of the proxies whose `X-Forwarded-*` headers are believed",
    ),
    Setting(
        "REDIS_URL",
        "none",
        "Redis, through which `python -m Dashboard work` on any machines makes the explanations",
    ),
)


@dataclass(frozen=True)
class Config:
    """How one dashboard behaves; `from_env` reads it from environment variables.

    model: name of the default checkpoint.
    port: 1 to 65535.
    max_upload_mb: largest image file, in MB of 2**20 bytes.
    max_megapixels: largest image, in millions of pixels.
    gate: which sharpness the quality gate judges.
    advice: which rule turns a prediction into advice.
    sensitivity: target of the operating point, one of `SENSITIVITIES`.
    prior: class frequencies by code, positive, summing to 1; None: evenly frequent.
    tta: whether predictions are averaged over mirrored and turned views.
    workers: worker processes; None: chosen from the cores.
    cache_dir: folder of the exported models; None: in the user's cache.
    explain: when the process that explains starts.
    data_dir: folder for what is kept, and what jobs hold for a while; None: in memory, where there
        is such a place.
    base_path: what every path begins with in the browser, empty or such as `/derma`.
    trusted_proxies: whose forwarded headers are believed.
    database_url: PostgreSQL instead of a file in that folder.
    retention: how long assessments are kept; None: `retention_in_force` says.
    store_mb: most that they may take, in MB of 2**20 bytes; None: no bound, or half of the memory.
    index: of proven cases to compare with, a file or its folder; None: there is none.
    redis_url: where jobs are queued; None: on this machine alone.
    """

    model: str = "resnext50_32x4d"
    port: int = 8050
    max_upload_mb: float = 15.0
    max_megapixels: float = 50.0
    gate: Mode = "normalised"
    advice: AdviceRule = "threshold"
    sensitivity: float = 0.95
    prior: Mapping[str, float] | None = None
    tta: bool = False
    workers: int | None = None
    cache_dir: Path | None = None
    explain: Explain = "lazy"
    data_dir: Path | None = None
    base_path: str = ""
    trusted_proxies: tuple[Network, ...] = read_networks(LOOPBACK)
    database_url: str | None = None
    retention: timedelta | None = None
    store_mb: float | None = None
    index: Path | None = None
    redis_url: str | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "Config":
        """Read the variables of `SETTINGS`; an empty one counts as unset.

        Raises:
            ValueError: names the variable, what it holds and what is accepted.
        """
        values = {s.name: environ.get(s.name, "").strip() for s in SETTINGS}
        return cls(
            model=_model(values["MODEL"] or cls.model),
            port=_integer("PORT", values["PORT"] or str(cls.port), 1, 65535),
            max_upload_mb=_number("MAX_UPLOAD_MB", values["MAX_UPLOAD_MB"], cls.max_upload_mb, 200),
            max_megapixels=_number(
                "MAX_MEGAPIXELS", values["MAX_MEGAPIXELS"], cls.max_megapixels, 1000
            ),
            gate=cast(Mode, _choice("GATE", values["GATE"] or cls.gate, GATES)),
            advice=cast(
                AdviceRule, _choice("ADVICE", values["ADVICE"] or cls.advice, get_args(AdviceRule))
            ),
            sensitivity=_sensitivity(values["SENSITIVITY"] or str(cls.sensitivity)),
            prior=_prior(values["PRIOR"]),
            tta=_choice("TTA", values["TTA"] or "0", ("0", "1")) == "1",
            workers=_integer("WEB_CONCURRENCY", values["WEB_CONCURRENCY"], 1, 64)
            if values["WEB_CONCURRENCY"]
            else None,
            cache_dir=Path(values["CACHE_DIR"]) if values["CACHE_DIR"] else None,
            explain=cast(
                Explain, _choice("EXPLAIN", values["EXPLAIN"] or cls.explain, get_args(Explain))
            ),
            data_dir=Path(values["DATA_DIR"]) if values["DATA_DIR"] else None,
            base_path=_base_path(values["BASE_PATH"] or environ.get("SCRIPT_NAME", "").strip()),
            trusted_proxies=_networks(values["FORWARDED_ALLOW_IPS"] or LOOPBACK),
            database_url=database_url(values["DATABASE_URL"], values["DATA_DIR"]),
            retention=duration("RETENTION", values["RETENTION"]),
            store_mb=_number("STORE_MB", values["STORE_MB"], 1, 10**9)
            if values["STORE_MB"]
            else None,
            index=Path(values["INDEX"]) if values["INDEX"] else None,
            redis_url=redis_url(values["REDIS_URL"]),
        )

    @property
    def limits(self) -> Limits:
        """What the decoder accepts."""
        return Limits(
            max_bytes=int(self.max_upload_mb * MEBIBYTE), max_pixels=int(self.max_megapixels * 1e6)
        )

    @property
    def durable(self) -> bool:
        """Whether assessments outlive the server."""
        return self.data_dir is not None

    @property
    def retention_in_force(self) -> timedelta | None:
        """How long assessments are kept; None: until they are deleted."""
        return self.retention if self.retention or self.durable else IN_MEMORY_RETENTION

    @property
    def max_archive_bytes(self) -> int:
        """Largest body with a zip archive of images."""
        return ARCHIVE_IMAGES * self.limits.max_bytes + BODY_MARGIN_BYTES

    @property
    def max_body_bytes(self) -> int:
        """Largest request body: the largest image in base64 (4 characters for 3 bytes)."""
        return 4 * math.ceil(self.limits.max_bytes / 3) + BODY_MARGIN_BYTES


def _model(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", value):
        raise ValueError(
            f"MODEL is {shorten(value)}; it must be the name of a checkpoint: "
            "letters, digits, '_', '.' and '-'"
        )
    return value


def _integer(name: str, value: str, low: int, high: int) -> int:
    if not re.fullmatch(r"\d{1,9}", value) or not low <= int(value) <= high:
        raise ValueError(
            f"{name} is {shorten(value)}; it must be a whole number from {low} to {high}"
        )
    return int(value)


def _number(name: str, value: str, default: float, high: float) -> float:
    try:
        number = float(value) if value else default
    except ValueError:
        number = math.nan
    if not 0 < number <= high:
        raise ValueError(
            f"{name} is {shorten(value)}; it must be a number above 0 and at most {high:g}"
        )
    return number


def _choice(name: str, value: str, accepted: tuple[str, ...]) -> str:
    if value not in accepted:
        raise ValueError(f"{name} is {shorten(value)}; it must be one of {', '.join(accepted)}")
    return value


def _sensitivity(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if number not in SENSITIVITIES:
        accepted = ", ".join(f"{target:.2f}" for target in SENSITIVITIES)
        raise ValueError(f"SENSITIVITY is {shorten(value)}; it must be one of {accepted}")
    return number


def _prior(value: str) -> Mapping[str, float] | None:
    """Class frequencies from `ham10000` or from `code=weight` pairs, normalised to sum 1."""
    if not value:
        return None
    if value.lower() == "ham10000":
        weights: dict[str, float] = dict(HAM10000_COUNTS)
    else:
        weights = {}
        for pair in value.split(","):
            code, _, number = (part.strip() for part in pair.partition("="))
            try:
                weight = float(number)
            except ValueError:
                weight = math.nan
            if code in weights or not 0 < weight < math.inf:
                raise _prior_error(value)
            weights[code] = weight
        if set(weights) != set(HAM10000.codes):
            raise _prior_error(value)
    total = sum(weights.values())
    return MappingProxyType({code: weights[code] / total for code in HAM10000.codes})


def _prior_error(value: str) -> ValueError:
    return ValueError(
        f"PRIOR is {shorten(value)}; it must be 'ham10000' or give each of "
        f"{', '.join(HAM10000.codes)} once, as CODE=WEIGHT with a weight above 0, "
        "separated by commas"
    )


def _base_path(value: str) -> str:
    path = value.rstrip("/")
    if path and not (len(path) <= LONGEST_PREFIX and PREFIX.fullmatch(path)):
        raise ValueError(
            f"BASE_PATH is {shorten(value)}; it must be a path such as /derma, of letters, "
            f"digits, '_', '.', '~' and '-', at most {LONGEST_PREFIX} characters"
        )
    return path


def _networks(value: str) -> tuple[Network, ...]:
    try:
        return read_networks(value)
    except ValueError:
        raise ValueError(
            f"FORWARDED_ALLOW_IPS is {shorten(value)}; it must be IP addresses or networks such "
            "as 10.0.0.0/8, separated by commas, or * for all"
        ) from None
