"""The model that this browser's new pictures are assessed by: the server's, unless one was chosen.

Worklist and Models page let choose, both from here. The choice is a cookie, so that a page is drawn
by it at once; whoever chooses the server's own model has none, and follows when `MODEL` changes.
"""

from collections.abc import Iterable
from datetime import timedelta

import dash
import flask

from Dashboard.assess.service import ModelInfo, Service

COOKIE = "lesions_model"
# As long as browsers keep a cookie at most.
LASTS = timedelta(days=400)


def chosen(models: Iterable[ModelInfo]) -> ModelInfo | None:
    """Of the checkpoints the one that new pictures are assessed by; None: there is none."""
    there = {one.name: one for one in models}
    default = next((one for one in there.values() if one.default), None)
    return there.get(flask.request.cookies.get(COOKIE, ""), default)


def choose(name: str, service: Service) -> str:
    """Remember a choice with the answer of the callback that asks.

    Raises:
        UnknownModel: there is no such checkpoint.
    """
    known = service.known(name)
    own = known != service.config.model
    dash.ctx.response.set_cookie(
        COOKIE,
        known if own else "",
        max_age=LASTS if own else 0,
        path=f"{flask.request.script_root}/",
        secure=flask.request.is_secure,
        httponly=True,
        samesite="Lax",
    )
    return known
