"""How much faster a last layer is trained on cached features than by running the backbone again.

`python benchmarks/head_training.py [--splits DIR] [--backbone NAME] [--images N] [--epochs 25]`

Both train the recipe `linear_probe` on the same images: the cached way from nothing,
the making of the features included; the plain way for `--plain-epochs`, scaled to all epochs,
which cost the same. Without `--splits` the images are drawn.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import pandas as pd  # noqa: E402

from retraining.data.index import pixels  # noqa: E402
from retraining.data.splits import load_split  # noqa: E402
from retraining.training.config import TrainConfig, load_recipe  # noqa: E402
from retraining.training.run_folder import read_log  # noqa: E402
from retraining.training.train import train  # noqa: E402
from tests.retraining.tiny import write_tiny_split  # noqa: E402

DRAWN = {"train": 90, "val": 22}  # images of each class


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=Path)
    parser.add_argument("--backbone", default="efficientnet_lite0")
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--images", type=int, help="take so many of train, a quarter of val")
    parser.add_argument("--size", default="auto")
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--plain-epochs", type=int, default=1)
    parser.add_argument("--precision", default="auto", help="of the plain way")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        splits = (
            subset(args.splits, folder / "split", args.images)
            if args.splits
            else write_tiny_split(folder / "split", **DRAWN)
        )

        def config(mode: str, precision: str) -> TrainConfig:
            epochs = args.epochs if mode == "always" else args.plain_epochs
            settings = [
                f"cached_features={mode}",
                f"size={args.size}",
                f"precision={precision}",
                f"epochs={epochs}",
            ]
            return load_recipe(
                "linear_probe",
                settings,
                backbone=args.backbone,
                weights=args.weights,
                splits=str(splits),
            )

        parts, size = load_split(splits), config("always", "f32").stages[0].size
        for frame in parts.values():  # Decoding is the same for both.
            pixels(frame, Path(), size, folder / "cache")
        n = {name: len(frame) for name, frame in parts.items()}
        print(f"{args.backbone}, {size} pixels, {n['train']} train and {n['val']} val images")
        # Plain first: what it warms up serves the cached way as well.
        plain = train(config("never", args.precision), folder / "plain", folder / "cache")
        epoch = sum(row["seconds"] for row in read_log(plain)) / args.plain_epochs
        print(f"plain   {epoch * args.epochs:9.1f} s ({args.epochs} epochs of {epoch:.1f} s)")
        start = time.monotonic()
        cached = train(config("always", "f32"), folder / "cached", folder / "cache")
        seconds = time.monotonic() - start
        heads = sum(row["seconds"] for row in read_log(cached))
    print(f"cached  {seconds:9.1f} s (features {seconds - heads:.1f} s, epochs {heads:.1f} s)")
    print(f"ratio   {epoch * args.epochs / seconds:9.1f}")


def subset(splits: Path, out: Path, images: int | None) -> Path:
    """A split of `images` of train and a quarter as many of val, each class in its share."""
    out.mkdir()
    for name, frame in load_split(splits).items():
        wanted = len(frame) if images is None else images // (1 if name == "train" else 4)
        share = min(1.0, wanted / len(frame))
        picked = [
            group.sample(max(1, round(share * len(group))), random_state=0)
            for _, group in frame.groupby("dx")
        ]
        pd.concat(picked).to_csv(out / f"{name}.csv", index=False)
    return out


if __name__ == "__main__":
    main()
