"""What a model's card shows of pictures that are not dermatoscopic."""

from Dashboard.ui.models.card_ood import ood_section
from tests.dashboard.ui.test_components import words


def test_what_is_flagged() -> None:
    measured = {
        "method": "mean of the members' scores", "split": "val", "n": 1603,
        "target_false_positive_rate": 0.02,
        "false_positive_rate": {
            "split": "test", "n": 2004, "all": 0.018, "by_class": {"mel": 0.01},
        },
        "kinds": [
            {"kind": "all", "pictures": 20, "views": 140, "flagged": 0.994,
             "auroc": {"value": 0.9987, "low": 0.99, "high": 0.9995}},
            {"kind": "noise", "pictures": 5, "views": 5, "flagged": 1.0,
             "auroc": {"value": 0.99, "low": None, "high": None}},
        ],
        "corruptions": {"split": "test", "n": 150, "flagged": {"bluish": 0.05}},
    }  # fmt: skip
    shown = words(ood_section(measured))
    for part in (
        "Mean of the members' scores. The threshold is such that at most 2.0% of the 1,603 "
        "validation images are flagged as out-of-distribution (OOD); of the 2,004 test images it "
        "flags 1.8% (mel 1.0%). Close-up photographs of skin without a dermatoscope could not be "
        "had, were not measured and may pass.",
        "All 20 140 0.9987 0.9900 to 0.9995 99.4%",
        "Noise 5 5 0.9900 100.0%",
        "150 test images, corrupted: wrongly flagged as OOD",
        "bluish 5.0%",
    ):
        assert part in shown
