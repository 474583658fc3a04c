"""Models by names that people say."""

from collections.abc import Iterable

from Dashboard.assess.service import ModelInfo

PLAIN = (
    ("resnext50_32x4d", "ResNeXt-50"),
    ("efficientnet_lite0", "EfficientNet-Lite0"),
    ("efficientnet_lite2", "EfficientNet-Lite2"),
    ("ensemble", "Ensemble"),
)


def plain_names(models: Iterable[ModelInfo]) -> dict[str, str]:
    """By the name of each checkpoint what it is called, with its version where there are several.

    A checkpoint of one's own keeps its name.
    """
    known = dict(PLAIN)
    return {one.name: f"{known.get(one.name, one.name)}, version {one.version}" for one in models}
