"""A small data set in the layout of the distribution: coloured discs, one colour a class."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from models.taxonomy import HAM10000
from retraining.layouts import IMAGE_ARCHIVES, MASK_ARCHIVE, METADATA_FILE

LESIONS_PER_CLASS = 10
IMAGES_PER_LESION = 2


def picture(colour: tuple[int, int, int], rng: np.random.Generator) -> bytes:
    """A JPEG of a disc on skin colour, 48x40 pixels."""
    y, x = np.mgrid[:40, :48]
    inside = (y - 20) ** 2 + (x - 24) ** 2 < rng.uniform(80, 200)
    pixels = np.where(inside[..., None], colour, (220, 180, 160)) + rng.normal(0, 8, (40, 48, 3))
    data = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(data, "JPEG", quality=95)
    return data.getvalue()


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two image archives, masks and metadata: 7 classes, 10 lesions each, 2 images a lesion."""
    folder = tmp_path_factory.mktemp("archives")
    rng = np.random.default_rng(0)
    rows, pictures, masks = [], {}, {}
    for c, code in enumerate(HAM10000.codes):
        colour = tuple(int(v) for v in rng.integers(0, 200, 3))
        for lesion in range(LESIONS_PER_CLASS):
            for _ in range(IMAGES_PER_LESION):
                name = f"IMG_{len(rows):04d}"
                lesion_id = f"L_{c}_{lesion:02d}"
                rows.append((lesion_id, name, code, "histo", 50.0, "female", "back"))
                pictures[name] = picture(colour, rng)
                masks[name] = b"mask"
    columns = ["lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / METADATA_FILE, index=False)
    names = sorted(pictures)
    for archive, part in zip(IMAGE_ARCHIVES, (names[:70], names[70:]), strict=True):
        with zipfile.ZipFile(folder / archive, "w") as file:
            for name in part:
                file.writestr(f"{name}.jpg", pictures[name])
    with zipfile.ZipFile(folder / MASK_ARCHIVE, "w") as file:
        for name in names:
            file.writestr(f"{name}_segmentation.png", masks[name])
    return folder
