"""Assess one image as a request asks for it: for those who keep the result and those who do not."""

from collections.abc import Callable
from typing import Any

from Dashboard.api.schemas import PredictOptions
from Dashboard.assess.assessment import Assessment
from Dashboard.explain.explanations import Explanations


def assess(
    explanations: Explanations,
    owner: Callable[[], str],
    data: bytes,
    options: PredictOptions,
    *,
    keep: bool = False,
) -> tuple[Assessment, dict[str, Any], str | None]:
    """What came out for an image file, and the explanation where one was asked for, with its key.

    owner: says whose the request is, where that matters.
    keep: with what a kept answer has beside it: class activation maps and a thumbnail.

    Raises:
        InputError, quality.ImageError, UnknownModel, ModelNotReady: as `Service.assess` and
            `Explanations.order`.
        Unavailable, TooSlow: as `Explanations.explained`.
    """
    service = explanations.service
    if not options.explain:
        if options.target is not None or options.method is not None:
            # They have no effect, but what would be refused with an explanation is refused.
            explanations.order(options)
        found = service.assess(data, model=options.model, gate=options.gate, keep=keep)
        return found, {}, None
    order, version = explanations.order(options)
    with explanations.waiting_slot():
        assessment = service.assess(data, model=options.model, gate=options.gate, keep=keep)
        if assessment.rejected:
            return assessment, {}, None
        return assessment, *explanations.explained(owner(), data, order, version)
