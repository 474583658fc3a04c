"""A kept picture is assessed once more."""

from typing import Any

from Dashboard.assess.service import Service
from Dashboard.store.forms import Again
from Dashboard.store.items import answer_of
from Dashboard.store.store import Store


def assess_again(
    store: Store, service: Service, owner: str, key: str, options: Again
) -> tuple[dict[str, Any], int]:
    """Assess a kept picture once more, as another assessment of it, with its name, lesion, date
    and scale: the answer and its HTTP status.

    Raises: as `Service.assess` and `Store.keep`, UnknownItem.
    """
    item = store.get(owner, key)
    data, _ = store.picture(owner, key)
    assessment = service.assess(data, model=options.model, gate=options.gate, keep=True)
    # What a clinician has corrected of the file is true of it once more.
    own = {"taken": item.taken, "pixels_per_mm": item.pixels_per_mm}
    beside = {"batch": item.batch, "lesion_id": item.lesion_id, **own}
    kept = store.keep(owner, data, assessment, item.file, **beside)
    return answer_of(kept), 422 if assessment.rejected else 200
