"""Dash's script in the browser, as far as its background callbacks go, over a test client."""

import json
import re
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from Dashboard.explain.jobs.records import Requester
from Dashboard.explain.requester import COOKIE, requester

PATH = "/_dash-update-component"


def asking(client: FlaskClient) -> Requester:
    """Who the client is to the explanations; with the first page it became a browser."""
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None
    with client.application.test_request_context(headers={"Cookie": f"{COOKIE}={cookie.value}"}):
        return requester()


class Page:
    """A loaded page, whose slot of explanations is asked for things."""

    def __init__(self, client: FlaskClient, slot: int = 0) -> None:
        self.client, self.slot = client, slot
        text = client.get("/").get_data(as_text=True)
        found = re.search(r'<script id="_dash-config"[^>]*>(.*?)</script>', text)
        assert found is not None
        self.end_id = json.loads(found[1])["end_id"]
        self.ticket = 0

    def stage(self, data: bytes) -> TestResponse:
        return self.client.post("/pictures", data=data, content_type="application/octet-stream")

    def order(self, **order: Any) -> dict[str, str]:
        """The handles of what was started: `cacheKey` and `job`."""
        self.ticket += 1
        response = self.call({"ticket": self.ticket, **order})
        assert response.status_code == 200
        answer = response.get_json()
        return {name: answer[name] for name in ("cacheKey", "job")}

    def explain(self, data: bytes, **options: Any) -> dict[str, str]:
        held = self.stage(data).get_json()["picture"]
        return self.order(picture=held, options=options)

    def poll(self, handles: dict[str, str]) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """How far it is, and what came out."""
        response = self.call(None, handles)
        if response.status_code == 204:
            return None, None
        answer = response.get_json()
        state = answer.get("progress", {}).get(f"explain-state-{self.slot}.data")
        result = answer.get("response", {}).get(f"explain-answer-{self.slot}")
        return state, result and result["data"]

    def cancel(self, handles: dict[str, str]) -> None:
        query = {"cancelJob": handles["job"], "endId": self.end_id}
        response = self._post(f"explain-cancel-{self.slot}", "id", "explain-cancel", 1, query)
        assert response.get_json() == {"multi": True, "response": {}}  # nothing changes

    def call(self, order: object, handles: dict[str, str] | None = None) -> TestResponse:
        query = {"endId": self.end_id, **(handles or {})}
        return self._post(f"explain-answer-{self.slot}", "data", "explain-order", order, query)

    def _post(
        self, target: str, what: str, source: str, value: object, query: dict[str, str]
    ) -> TestResponse:
        source = f"{source}-{self.slot}"
        body = {
            "output": f"{target}.{what}",
            "outputs": {"id": target, "property": what},
            "inputs": [{"id": source, "property": "data", "value": value}],
            "changedPropIds": [f"{source}.data"],
        }
        return self.client.post(PATH, json=body, query_string=query)
