import re
from datetime import timedelta
from pathlib import Path

import pytest

from Dashboard.config import SETTINGS, Config


def test_defaults_are_those_of_the_contract() -> None:
    config = Config.from_env({})
    assert config.model == "resnext50_32x4d"
    assert config.port == 8050
    assert config.limits.max_bytes == 15 * 2**20
    assert config.limits.max_pixels == 50_000_000
    assert config.gate == "normalised"
    assert (config.advice, config.sensitivity) == ("threshold", 0.95)
    assert (config.prior, config.redis_url, config.data_dir, config.workers) == (None,) * 4


def test_every_variable_is_read() -> None:
    environ = {
        "MODEL": "other",
        "PORT": "9000",
        "MAX_UPLOAD_MB": "0.5",
        "MAX_MEGAPIXELS": "2",
        "GATE": "recommended",
        "ADVICE": "argmax",
        "SENSITIVITY": "0.90",
        "PRIOR": "ham10000",
        "TTA": "1",
        "WEB_CONCURRENCY": "3",
        "CACHE_DIR": "/cache",
        "EXPLAIN": "ready",
        "DATA_DIR": "/data",
        "DATABASE_URL": "postgresql://clinic:secret@db/lesions",
        "RETENTION": "90d",
        "STORE_MB": "500",
        "INDEX": "/data/similar-cases.npz",
        "BASE_PATH": "/derma/",
        "FORWARDED_ALLOW_IPS": "10.0.0.0/8, ::1",
        "REDIS_URL": "redis://queue:6379/0",
    }
    assert environ.keys() == {setting.name for setting in SETTINGS}
    config = Config.from_env(environ)
    assert (config.model, config.port, config.workers) == ("other", 9000, 3)
    assert config.limits.max_bytes == 2**19
    assert config.limits.max_pixels == 2_000_000
    assert (config.gate, config.advice, config.sensitivity) == ("recommended", "argmax", 0.9)
    assert (config.cache_dir, config.data_dir) == (Path("/cache"), Path("/data"))
    assert (config.explain, config.tta) == ("ready", True)
    assert config.redis_url == "redis://queue:6379/0"
    assert config.database_url == "postgresql://clinic:secret@db/lesions"
    assert (config.retention_in_force, config.store_mb) == (timedelta(days=90), 500)
    assert config.index == Path("/data/similar-cases.npz")
    assert config.base_path == "/derma"
    assert [str(one) for one in config.trusted_proxies] == ["10.0.0.0/8", "::1/128"]
    assert config.prior is not None
    assert config.prior["nv"] == pytest.approx(6705 / 10015)


def test_script_name_is_a_base_path() -> None:
    assert Config.from_env({"SCRIPT_NAME": "/derma"}).base_path == "/derma"


def test_an_empty_variable_counts_as_unset() -> None:
    assert Config.from_env({setting.name: " " for setting in SETTINGS}) == Config()


def test_prior_is_normalised_and_ordered() -> None:
    prior = Config.from_env({"PRIOR": "nv=6, mel=1,akiec=1,bcc=.5,bkl=.5,df=.5,vasc=0.5"}).prior
    assert prior is not None
    assert list(prior) == ["akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"]
    assert prior["nv"] == pytest.approx(0.6)
    assert sum(prior.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MODEL", "../secret"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "8050.0"),
        ("MAX_UPLOAD_MB", "0"),
        ("MAX_UPLOAD_MB", "nan"),
        ("MAX_UPLOAD_MB", "many"),
        ("MAX_MEGAPIXELS", "-1"),
        ("GATE", "strict"),
        ("ADVICE", "always"),
        ("SENSITIVITY", "0.99"),
        ("SENSITIVITY", "high"),
        ("TTA", "yes"),
        ("PRIOR", "even"),
        ("PRIOR", "nv=1"),
        ("PRIOR", "akiec=1,bcc=1,bkl=1,df=1,mel=1,nv=1,vasc=0"),
        ("PRIOR", "akiec=1,bcc=1,bkl=1,df=1,mel=1,nv=1,vasc=inf"),
        ("PRIOR", "akiec=1,bcc=1,bkl=1,df=1,mel=1,nv=1,nv=1"),
        ("BASE_PATH", "derma"),
        ("BASE_PATH", "//evil.example"),
        ("BASE_PATH", "/a b"),
        ("FORWARDED_ALLOW_IPS", "localhost"),
        ("WEB_CONCURRENCY", "0"),
        ("EXPLAIN", "always"),
        ("RETENTION", "12"),
        ("RETENTION", "0h"),
        ("RETENTION", "1y"),
        ("STORE_MB", "0"),
        ("DATABASE_URL", "mysql://db/lesions"),
        ("REDIS_URL", "localhost"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_accepted(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name} (is {re.escape(repr(value))}.* )?must be "):
        Config.from_env({name: value})


@pytest.mark.parametrize("name", ["REDIS_URL", "DATABASE_URL"])
def test_a_password_is_not_repeated(name: str) -> None:
    with pytest.raises(ValueError, match=name) as caught:
        Config.from_env({name: "user:secret@queue"})
    assert "secret" not in str(caught.value)


def test_how_long_assessments_are_kept(tmp_path: Path) -> None:
    assert Config().retention_in_force == timedelta(hours=12)
    assert Config.from_env({"RETENTION": "30m"}).retention_in_force == timedelta(minutes=30)
    assert Config.from_env({"DATA_DIR": str(tmp_path)}).retention_in_force is None


def test_a_database_elsewhere_needs_a_folder_for_the_pictures() -> None:
    with pytest.raises(ValueError, match="DATABASE_URL needs DATA_DIR, the folder of the pict"):
        Config.from_env({"DATABASE_URL": "postgresql://db/lesions"})


def test_body_limit_holds_the_largest_image_in_base64() -> None:
    config = Config(max_upload_mb=1)
    assert 4 / 3 * 2**20 < config.max_body_bytes < 1.5 * 2**20
