"""The operating points of a checkpoint as it is served, and what they do elsewhere."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from models.registry.taxonomy import Taxonomy
from retraining.evaluation.answers import ServedModel
from retraining.evaluation.copies import copies
from retraining.evaluation.evaluate import evidence_of
from retraining.evaluation.scores import Predictions
from retraining.evaluation.sources import Source
from retraining.metrics.bootstrap import RESAMPLES, with_intervals
from retraining.metrics.calibration import consults
from retraining.metrics.metrics import ranking_metrics
from retraining.metrics.operating_points import TARGETS, Evidence, measured_point


def targets(default: float) -> list[float]:
    """The sensitivities that a card has points for, `default` first."""
    return [default, *(one for one in TARGETS if one != default)]


def served_evidence(model: ServedModel, val: Predictions, sources: Sequence[Source]) -> Evidence:
    """What the points of a served model are chosen on: val, copies, and other sources.

    Copies are of the malignant pictures alone: a threshold is chosen on these.
    """
    taxonomy = val.taxonomy
    bad = val.frame[val.malignant].reset_index(drop=True)
    others = [(bad, one) for one in copies("val malignant", bad)] if len(bad) else []
    others += [(one.parts["choose"], one.pictures("choose")) for one in sources]
    found = [evidence_of(val)]
    for frame, pictures in others:
        logits = model.answers(pictures).logits
        found.append(evidence_of(Predictions(frame, logits, taxonomy), clean=False))
    return Evidence(
        np.concatenate([one.labels for one in found]),
        np.concatenate([one.logits for one in found]),
        np.concatenate([one.lesions for one in found]),
        np.concatenate([one.clean for one in found]),
        taxonomy,
    )


def with_measured(
    points: Sequence[dict[str, Any]], test: Predictions, resamples: int = RESAMPLES
) -> list[dict[str, Any]]:
    """The points, each with what it does to these predictions, as its `test`."""
    return [one | {"test": _measured(one, test, resamples)} for one in points]


def of_source(
    source: Source,
    model: ServedModel,
    points: Sequence[dict[str, Any]],
    temperature: float,
    taxonomy: Taxonomy,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """What the points do to the external part of a source, which had no part in choosing them."""
    frame = source.parts["external"]
    logits = model.answers(source.pictures("external")).logits
    predictions = Predictions(frame, logits, taxonomy, temperature)
    ranked = with_intervals(
        lambda weights: {
            "malignant_auc": ranking_metrics(
                predictions.malignant, predictions.p_malignant, weights
            )[0]
        },
        predictions.weights(resamples),
    )
    return {
        "source": source.name,
        "small": source.small,
        "n": len(frame),
        "n_malignant": int(predictions.malignant.sum()),
        **ranked,
        "points": [
            {"target_sensitivity": one["target_sensitivity"]}
            | _measured(one, predictions, resamples)
            for one in points
        ],
    }


def _measured(point: dict[str, Any], predictions: Predictions, resamples: int) -> dict[str, Any]:
    p = replace(predictions, threshold=point["threshold"])
    histology = p.frame.get("dx_type", pd.Series([""] * len(p))).astype(str) == "histo"
    return measured_point(
        p.malignant,
        consults(p.p_malignant, p.called, point["threshold"]),
        p.frame.lesion_id.to_numpy(object),
        histology.to_numpy(),
        resamples,
    )
