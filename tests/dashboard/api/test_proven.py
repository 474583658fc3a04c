"""Similar cases, the own record and the export over HTTP, and that `prepare` reads the export."""

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from flask.testing import FlaskClient
from typer.testing import CliRunner

from Dashboard.api.server import create_server
from Dashboard.assess.service import Service
from Dashboard.proven.index import make, save
from tests.dashboard.sending import as_form, refused

Encode = Callable[..., bytes]
MakeService = Callable[..., Service]


@pytest.fixture(scope="module")
def index_folder(make_service: MakeService, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared data set of two pictures, and its index."""
    folder = tmp_path_factory.mktemp("data")
    rows = ["image_id,path,dx,lesion_id"]
    for number, code in enumerate(("mel", "nv")):
        cv2.imwrite(str(folder / f"{code}.png"), np.full((300, 200, 3), 90 * number + 40, np.uint8))
        rows.append(f"{code},{code}.png,{code},lesion {code}")
    (folder / "index.csv").write_text("\n".join(rows))
    made, failed = make(make_service(), "plain", folder)
    assert not failed
    save(made, folder / "similar-cases.npz")
    return folder


@pytest.fixture(scope="module")
def visitor(
    make_service: MakeService, index_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FlaskClient]:
    service = make_service(data_dir=tmp_path_factory.mktemp("kept"), index=index_folder)
    server = create_server(service.config, service)
    yield server.test_client()
    server.extensions["store"].close()


@pytest.fixture(scope="module")
def keys(visitor: FlaskClient, encode: Encode) -> list[str]:
    """Pictures that were handed in: a melanoma, a naevus twice, one of unclear words, one more."""
    found = []
    for kind, suffix, lesion in (
        ("malignant", ".png", {"name": "A", "histology": "Melanoma", "age_band": "50-59"}),
        ("benign", ".png", {"name": "=B", "histology": "Naevus", "sex": "female"}),
        ("benign", ".jpg", {"name": "=B"}),
        ("benign", ".webp", {"name": "C", "histology": "see report"}),
        ("pale", ".png", None),
    ):
        kept = as_form(visitor, encode(kind, suffix), "Anna Muster.png", "/assessments").get_json()
        path = f"/assessments/{kept['id']}"
        assert visitor.patch(path, json={"lesion": lesion}).status_code == 200
        found.append(kept["id"])
    return found


def test_similar_cases(visitor: FlaskClient, keys: list[str]) -> None:
    response = visitor.get(f"/assessments/{keys[0]}/similar?k=3")
    body = response.get_json()
    assert response.status_code == 200
    assert len(body["neighbours"]) == 3
    assert sum(one["n"] for one in body["distribution"]) == 3
    assert (body["own"], body["indexed"], body["pending"]) == (2, 2, 0)
    assert "Looking alike proves nothing" in body["agreement"]
    whole = visitor.get(f"/assessments/{keys[0]}/similar").get_json()
    rows = [one["row"] for one in whole["neighbours"] if one["source"] == "index"]
    assert sorted(rows) == [0, 1]
    own = {one["name"]: one for one in whole["neighbours"] if one["source"] == "own"}
    assert own.keys() == {"=B", "C"}
    assert own["C"].items() >= {"diagnosis": "see report", "code": None, "id": keys[3]}.items()
    assert own["=B"].items() >= {"code": "nv", "malignant": False, "proven": "histology"}.items()
    picture = visitor.get(f"/index/{rows[0]}/thumbnail")
    assert (picture.status_code, picture.mimetype) == (200, "image/jpeg")
    assert picture.headers["Cache-Control"] == "no-store"
    shown = cv2.imdecode(np.frombuffer(picture.data, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert max(shown.shape) == 144


@pytest.mark.parametrize("k", ["0", "51", "x", "1&k=2"])
def test_how_many_must_be_right(visitor: FlaskClient, keys: list[str], k: str) -> None:
    assert re.match("'?k'? ", refused(visitor.get(f"/assessments/{keys[0]}/similar?k={k}"), 400))


def test_nobody_else_sees_them(visitor: FlaskClient, keys: list[str]) -> None:
    other = visitor.application.test_client()
    refused(other.get(f"/assessments/{keys[0]}/similar"), 404)
    assert other.get("/audit").get_json()["lesions"] == 0
    archive = zipfile.ZipFile(io.BytesIO(other.get("/export?all=1").data))
    assert archive.namelist() == ["metadata.csv"]


def test_the_index_and_what_it_has_not(
    visitor: FlaskClient, index_folder: Path, keys: list[str]
) -> None:
    assert visitor.get("/index").get_json() == {
        "success": True, "model": "plain", "version": "0.1", "pictures": 2, "lesions": 2,
        "notice": "",
    }  # fmt: skip
    for row in ("2", "-1", "x", "999999999", "²"):
        refused(visitor.get(f"/index/{row}/thumbnail"), 404)
    (index_folder / "nv.png").rename(index_folder / "moved.png")
    assert "not where the data set was" in refused(visitor.get("/index/1/thumbnail"), 404)
    (index_folder / "moved.png").rename(index_folder / "nv.png")


def test_the_own_record(visitor: FlaskClient, keys: list[str]) -> None:
    body = visitor.get("/audit").get_json()
    assert (body["lesions"], body["success"]) == (3, True)
    assert body["program"]["sensitivity"].items() >= {"found": 1, "n": 1, "value": 1.0}.items()
    assert body["program"]["specificity"].items() >= {"found": 1, "n": 1}.items()
    assert body["not_understood"] == [{"lesion": "C", "histology": "see report"}]
    judge = {"model": "plain", "version": "0.1", "lesions": 2}
    assert body["models"] == [judge | {"program": body["program"]}]
    assert visitor.get("/audit?model=plain&version=0.1").get_json()["lesions"] >= 2
    assert visitor.get("/audit?version=0.2").get_json()["lesions"] == 0
    assert body["confusion"][0] == {"diagnosis": "Melanoma", "predicted": {"mel": 1}}


def archive_of(visitor: FlaskClient, query: str = "") -> tuple[zipfile.ZipFile, list[Any]]:
    response = visitor.get(f"/export{query}")
    assert (response.status_code, response.mimetype) == (200, "application/zip")
    archive = zipfile.ZipFile(io.BytesIO(response.data))
    assert archive.testzip() is None
    return archive, list(csv.DictReader(io.StringIO(archive.read("metadata.csv").decode())))


def test_the_export_holds_what_is_proven_and_names_nobody(
    visitor: FlaskClient, keys: list[str], encode: Encode
) -> None:
    archive, rows = archive_of(visitor)
    assert [(row["lesion_id"], row["dx"], row["dx_type"]) for row in rows] == [
        ("A", "mel", "histo"), ("'=B", "nv", "histo"), ("'=B", "nv", "histo")
    ]  # fmt: skip
    assert (rows[0]["age"], rows[1]["sex"], rows[0]["histology"]) == ("55", "female", "Melanoma")
    assert archive.read(f"images/{rows[0]['image_id']}.png") == encode("malignant")
    assert b"Muster" not in visitor.get("/export").data
    archive, rows = archive_of(visitor, "?all=true")
    assert [row["dx"] for row in rows] == ["mel", "nv", "nv", "", ""]
    assert rows[4]["lesion_id"] == rows[4]["image_id"]
    assert {
        name.removeprefix("images/").rpartition(".")[0] for name in archive.namelist()[:-1]
    } == {row["image_id"] for row in rows}


def test_prepare_reads_the_export(visitor: FlaskClient, keys: list[str], tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    archive_of(visitor)[0].extractall(tmp_path / "exported")
    from retraining.__main__ import app

    folders = (str(tmp_path / "exported"), "--out", str(tmp_path / "data"))
    done = CliRunner().invoke(app, ["prepare", *folders])
    assert done.exit_code == 0, done.output
    with (tmp_path / "data" / "index.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sorted((row["dx"], row["lesion_id"], row["dx_type"]) for row in rows) == [
        ("mel", "A", "histo"), ("nv", "'=B", "histo"), ("nv", "'=B", "histo")
    ]  # fmt: skip
    assert {row["age"] for row in rows} == {"", "55.0"}


def test_the_export_is_made_while_it_is_sent(visitor: FlaskClient, keys: list[str]) -> None:
    response = visitor.get("/export?all=true", buffered=False)
    parts = [part for part in response.iter_encoded() if part]
    assert len(parts) == 6  # a picture each, and the table
    assert response.headers.get("Content-Length") is None
    response.close()
