"""A checkpoint that cannot be read: what needs it says so, all else goes on."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from Dashboard.app import create_app
from Dashboard.assess.service import Service
from Dashboard.config import Config
from models.checkpoint.card import CARD_FILE
from tests.dashboard.sending import as_form, refused


@pytest.mark.parametrize("card", [b"", b"{", b"[]", b"\0\xff", b"[" * 100_000, b"{}"])
def test_an_unreadable_card(
    checkpoints: Path, tmp_path: Path, encode: Any, card: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    root = tmp_path / "weights"
    shutil.copytree(checkpoints, root)
    (root / "plain" / CARD_FILE).write_bytes(card)
    config = Config(model="plain", explain="off")
    client = create_app(config, Service(config, root=root)).server.test_client()
    said = refused(as_form(client, encode("benign")), 503)
    assert said == "a checkpoint cannot be read; the server's log says which and why"
    assert "a checkpoint cannot be used" in caplog.text
    assert refused(as_form(client, encode("benign"), path="/assessments"), 503) == said
    assert [one["name"] for one in client.get("/models").get_json()["models"]] == ["careful"]
    assert client.get("/ready").status_code == 503
    for path in ("/", "/health", "/explanations", "/openapi.json"):
        assert client.get(path).status_code == 200
