"""The one row of an assessment: its columns, and what stands in them."""

import json
from collections.abc import Callable

import numpy as np
import pytest

from Dashboard.assess import messages
from Dashboard.assess.rows import COLUMNS, assessment_row, error_row
from Dashboard.assess.service import Service

CONTRACT = (
    "file,folder,verdict,message,code,prediction,probability,p_malignant,akiec,bcc,bkl,df,mel,nv,"
    "vasc,certainty,laplacian_variance,gamma,brightness,quality,model,version,notes,error"
)


@pytest.fixture
def service(make_service: Callable[..., Service]) -> Service:
    return make_service()


def test_columns_begin_with_the_contract() -> None:
    assert ",".join(COLUMNS).startswith(f"{CONTRACT},")
    assert tuple(error_row("No.", "a/b.png")) == COLUMNS


def test_a_classified_image(service: Service, encode: Callable[..., bytes]) -> None:
    assessment = service.assess(encode("benign"))
    row = assessment_row(assessment, "day 1/left/a.png")
    assert tuple(row) == COLUMNS
    assert (row["file"], row["folder"]) == ("day 1/left/a.png", "day 1/left")
    assert (row["verdict"], row["message"]) == ("no_appointment", messages.NO_APPOINTMENT)
    assert (row["code"], row["prediction"], row["probability"]) == ("nv", "Melanocytic nevi", 0.8)
    assert (row["nv"], row["p_malignant"], row["certainty"]) == (0.8, 0.09, "clear")
    assert (row["quality"], row["gate_overridden"], row["error"]) == ("accept", False, "")
    assert (row["model"], row["version"]) == (assessment.model, assessment.version)
    assert row["gamma"] == pytest.approx(assessment.quality.gamma, abs=1e-6)
    json.dumps(row, allow_nan=False)


def test_a_rejected_image_has_its_reasons_and_no_classes(
    service: Service, encode: Callable[..., bytes]
) -> None:
    row = assessment_row(service.assess(encode("pale")))
    assert (row["verdict"], row["message"], row["quality"]) == ("retake", messages.RETAKE, "reject")
    assert {row[name] for name in ("file", "folder", "code", "nv", "certainty", "version")} == {""}
    assert row["notes"].startswith("Contrast")
    overridden = assessment_row(service.assess(encode("pale"), gate=False))
    assert (overridden["quality"], overridden["gate_overridden"]) == ("reject", True)
    assert overridden["code"] != ""
    assert row["notes"].split(".")[0] in overridden["notes"]


def test_what_decoding_says_is_a_note(service: Service) -> None:
    image = np.zeros((450, 600, 3), np.uint8)
    row = assessment_row(service.assess_image(image, notes=("The profile is damaged.",)))
    assert "The profile is damaged." in row["notes"]


def test_a_file_that_could_not_be_assessed() -> None:
    row = error_row("The file is empty.", "a.png")
    assert (row["verdict"], row["error"], row["folder"]) == ("error", "The file is empty.", "")
    assert {row[name] for name in COLUMNS[3:-7]} == {""}
