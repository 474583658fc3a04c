"""Columns of the tables that lay models side by side, in reports and on the page: title to metric.

The metrics are those of `models.json`; recall is the mean sensitivity over classes, or the
sensitivity to malignant lesions.
"""

from collections.abc import Mapping
from types import MappingProxyType

SEVEN: Mapping[str, str] = MappingProxyType(
    {
        "AUC": "macro_auc",
        "Accuracy": "accuracy",
        "Precision": "macro_precision",
        "Recall": "macro_recall",
        "F1": "macro_f1",
    }
)
TWO: Mapping[str, str] = MappingProxyType(
    {
        "AUC": "malignant_auc",
        "Accuracy": "malignant_accuracy",
        "Precision": "malignant_precision",
        "Recall": "malignant_sensitivity",
        "F1": "malignant_f1",
    }
)
POINT: Mapping[str, str] = MappingProxyType(
    {
        "Sensitivity": "malignant_sensitivity_at_threshold",
        "Specificity": "malignant_specificity_at_threshold",
        "Precision": "malignant_precision_at_threshold",
        "F1": "malignant_f1_at_threshold",
    }
)
CALIBRATION: Mapping[str, str] = MappingProxyType(
    {
        "ECE before": "ece_15_uncalibrated",
        "ECE": "ece_15",
        "ECE, natural frequencies": "ece_15_natural",
        "Brier": "brier",
    }
)
# Title to the measurement, the factor into the title's unit, and decimals.
COST: Mapping[str, tuple[str, float, int]] = MappingProxyType(
    {
        "Parameters, millions": ("parameters", 1e-6, 1),
        "GMACs": ("gmacs", 1.0, 2),
        "Weights, MB": ("file_mb", 1.0, 1),
        "ms per image": ("latency_ms", 1.0, 1),
        "Images per second": ("images_per_second", 1.0, 0),
        "Training, minutes": ("training_seconds", 1 / 60, 0),
    }
)
