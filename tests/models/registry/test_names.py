"""What models are called."""

from models.checkpoint.card import available, load_card, locate
from models.registry.backbones import BACKBONES
from models.registry.names import TITLES, title


def test_every_backbone_has_a_title_of_its_own() -> None:
    assert set(BACKBONES) <= set(TITLES)
    assert len(set(TITLES.values())) == len(TITLES)


def test_shipped_models_are_called_by_plain_names() -> None:
    for name in available():
        assert "_" not in title(name, load_card(locate(name)).backbone)


def test_a_checkpoint_with_a_name_of_its_own_keeps_it() -> None:
    assert title("mine", "resnet18") == "mine (ResNet-18)"
    assert title("mine", "other_net") == "mine (other_net)"
    assert title("mine") == "mine"
