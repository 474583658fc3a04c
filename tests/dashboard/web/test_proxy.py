"""Below a path, and behind proxies: what is believed, and what links begin with."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from Dashboard.app import create_app
from Dashboard.assess.service import Service
from Dashboard.config import Config
from Dashboard.web.frontend import CALLBACKS
from Dashboard.web.proxy import BehindProxies, is_among, read_networks

LINK = re.compile(r'(?:src|href)="([^"]+)"')
PREFIX = re.compile(r'"requests_pathname_prefix":\s*("[^"]*")')


def seen(base: str = "", peer: str = "127.0.0.1", path: str = "/", **said: str) -> dict[str, Any]:
    """What the application sees of a request; `said`: in forwarded headers."""
    found: dict[str, Any] = {}
    environ = {"REMOTE_ADDR": peer, "PATH_INFO": path, "HTTP_HOST": "inside:8050"}
    environ |= {"wsgi.url_scheme": "http"}
    environ |= {f"HTTP_X_FORWARDED_{name}": value for name, value in said.items()}
    proxies = BehindProxies(lambda seen, _: found.update(seen), base, read_networks("127.0.0.1"))
    proxies(environ, None)
    return found


@pytest.mark.parametrize(
    ("base", "path", "below"),
    [
        ("/derma", "/derma/health", "/health"),
        ("/derma", "/health", "/health"),  # the proxy stripped it
        ("/derma", "/derma", "/"),
        ("/derma", "/derma/", "/"),
        ("/derma", "/dermatology", "/dermatology"),
        ("/a/b", "/a/b/health", "/health"),
        ("", "/derma/health", "/derma/health"),
    ],
)
def test_a_path_before_all_others(base: str, path: str, below: str) -> None:
    for environ in (seen(base, path=path), seen(base, path=path, peer="10.0.0.9")):
        assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == (base, below)
    said = seen(path=path, PREFIX=base)
    assert (said["SCRIPT_NAME"], said["PATH_INFO"]) == (base, below)


def test_a_trusted_proxy_is_believed() -> None:
    headers = {"FOR": "6.6.6.6, 10.0.0.9", "PROTO": "https", "HOST": "clinic.example"}
    environ = seen(PREFIX="/evil, /derma/", **headers)
    assert environ["REMOTE_ADDR"] == "10.0.0.9"  # the nearest proxy's, not what its client wrote
    assert environ["wsgi.url_scheme"] == "https"
    assert environ["HTTP_HOST"] == "clinic.example"
    assert environ["SCRIPT_NAME"] == "/derma"


def test_others_are_not() -> None:
    headers = {"FOR": "10.0.0.9", "PROTO": "https", "HOST": "evil.example", "PREFIX": "/evil"}
    environ = seen(peer="10.0.0.1", **headers)
    assert environ["REMOTE_ADDR"] == "10.0.0.1"
    assert environ["wsgi.url_scheme"] == "http"
    assert environ["HTTP_HOST"] == "inside:8050"
    assert environ["SCRIPT_NAME"] == ""


@pytest.mark.parametrize(
    "prefix", ["//evil.example", "derma", "/a b", '/"><script>', "/" + "a" * 300]
)
def test_a_prefix_that_links_cannot_begin_with(prefix: str) -> None:
    assert seen(PREFIX=prefix)["SCRIPT_NAME"] == ""


def test_addresses() -> None:
    networks = read_networks("10.0.0.0/8, ::1")
    assert [is_among(one, networks) for one in ("10.9.9.9", "::ffff:10.1.1.1", "::1")] == [True] * 3
    assert [is_among(one, networks) for one in ("11.0.0.1", "::2", "x", "")] == [False] * 4
    assert is_among("2001:db8::1", read_networks("*"))


@pytest.fixture(scope="module")
def below(make_service: Callable[..., Service]) -> FlaskClient:
    service = make_service(base_path="/derma")
    service.warm_up()
    return create_app(service.config, service).server.test_client()


@pytest.mark.parametrize("start", ["/derma/", "/"])
def test_every_link_begins_with_it(below: FlaskClient, start: str) -> None:
    text = below.get(start).text
    found = PREFIX.search(text)
    assert found is not None
    assert json.loads(found[1]) == "/derma/"
    docs = below.get(f"{start}docs").text
    for address in LINK.findall(text) + LINK.findall(docs):
        assert address.startswith("/derma/")
        with below.get(address) as response:
            assert response.status_code == 200
    layout = below.get(f"{start}_dash-layout").text
    links = {json.loads(link) for link in re.findall(r'"href":("[^"]+")', layout)}
    assert {"/derma/", "/derma/compare", "/derma/models", "/derma/docs"} <= links
    assert all(link.startswith(("/derma/", "#")) for link in links)
    assert '"/derma/openapi.json"' in below.get(f"{start}docs/start.js").text
    assert below.get(f"{start}openapi.json").get_json()["servers"] == [{"url": "/derma"}]


@pytest.mark.parametrize(
    ("pathname", "word"),
    [("/derma/compare", "Compare pictures"), ("/derma/nowhere", "no such page")],
)
def test_pages_are_found_below_it(below: FlaskClient, pathname: str, word: str) -> None:
    callbacks = below.get("/derma/_dash-dependencies").get_json()
    (callback,) = (c for c in callbacks if "_pages_content" in c["output"])
    call = {
        "output": callback["output"],
        "outputs": [
            {"id": "_pages_content", "property": "children"},
            {"id": "_pages_store", "property": "data"},
        ],
        "inputs": [
            {**one, "value": pathname if one["property"] == "pathname" else ""}
            for one in callback["inputs"]
        ],
        "changedPropIds": ["_pages_location.pathname"],
    }
    assert word in below.post(f"/derma{CALLBACKS}", json=call).text
    assert below.get(pathname).status_code == (404 if "no such" in word else 200)


def test_two_prefixes_at_once(client: FlaskClient) -> None:
    for prefix in ("/one", "/two"):
        text = client.get("/", headers={"X-Forwarded-Prefix": prefix}).text
        assert f'src="{prefix}/assets/shell/scheme.js"' in text
    assert 'src="/assets/shell/scheme.js"' in client.get("/").text


@pytest.mark.parametrize("base", ["/models", "/compare", "/assets/x", "/_dash-layout"])
def test_a_path_of_its_own_cannot_come_before_all_others(
    make_service: Callable[..., Service], base: str
) -> None:
    with pytest.raises(ValueError, match="BASE_PATH"):
        create_app(Config(model="plain", base_path=base), make_service(base_path=base))
