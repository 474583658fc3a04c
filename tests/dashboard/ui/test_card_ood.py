"""What a model's card tells of pictures that are not dermatoscopic."""

from Dashboard.ui.models.card_ood import foreign_section
from tests.dashboard.ui.test_components import words


def test_what_is_rejected() -> None:
    found = {
        "method": "mean of the members' scores", "threshold": 1.0, "n": 1603,
        "target_false_alarms": 0.02,
        "false_alarms": {"split": "test", "n": 2004, "all": 0.018, "mel": 0.01},
        "pictures": {"all": 20, "noise": 5}, "views": {"all": 140, "noise": 5},
        "auroc": {"all": 0.9987, "noise": 0.99}, "auroc_interval": {"all": [0.99, 0.9995]},
        "rejected": {"all": 0.994, "noise": 1.0},
        "rejected_variants_of_test": {"n": 150, "bluish": 0.05},
    }  # fmt: skip
    shown = words(foreign_section(found))
    for part in (
        "Mean of the members' scores. The threshold takes 2.0% of the 1,603 validation images",
        "of the 2,004 test images it takes 1.8% (mel 1.0%)",
        "All 20 140 0.9987 (0.9900 to 0.9995) 99.4%",
        "Noise 5 5 0.9900 100.0%",
        "150 test images, changed: wrongly taken for something else",
        "bluish 5.0%",
    ):
        assert part in shown
