"""A path before all others, and what a trusted proxy says of the request that it passes on."""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from typing import Any

from werkzeug.middleware.proxy_fix import ProxyFix

PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+")
LONGEST_PREFIX = 200
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
WsgiApp = Any


def is_among(address: str, networks: Iterable[Network]) -> bool:
    """Whether an address, as text, lies in one of the networks."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return any((mapped or found) in network for network in networks)


def read_networks(value: str) -> tuple[Network, ...]:
    """Addresses and networks, separated by commas; `*` is all of them.

    Raises:
        ValueError: not such a list.
    """
    found: list[Network] = []
    for one in filter(None, (part.strip() for part in value.split(","))):
        texts = ("0.0.0.0/0", "::/0") if one == "*" else (one,)
        found += [ipaddress.ip_network(text, strict=False) for text in texts]
    return tuple(found)


class BehindProxies:
    """A WSGI application that answers below a path, and behind proxies.

    Below the path it answers whether the proxy strips it or not: a request that begins with it is
    taken as if it did not. What links begin with is the request's `SCRIPT_NAME`.

    base: the path, such as `/derma`; empty: what a trusted proxy says, in `X-Forwarded-Prefix` or
        `SCRIPT_NAME`.
    trusted: proxies that are believed what they say of client, scheme, host and prefix; of a list,
        the last value, which the nearest of them wrote. A peer without an address, one behind a
        socket of this machine, is believed as well.
    """

    def __init__(self, app: WsgiApp, base: str, trusted: Sequence[Network]) -> None:
        self._app, self._base, self._trusted = app, base, trusted
        self._told = ProxyFix(self._below, x_for=1, x_proto=1, x_host=1, x_prefix=0)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer one request (PEP 3333)."""
        peer = environ.get("REMOTE_ADDR", "")
        believed = not peer or is_among(peer, self._trusted)
        said = environ.get("HTTP_X_FORWARDED_PREFIX", "") if believed else ""
        environ["SCRIPT_NAME"] = self._base or _prefix(said.split(",")[-1].strip())
        return (self._told if believed else self._below)(environ, start_response)

    def _below(self, environ: dict[str, Any], start_response: Any) -> Any:
        prefix, path = environ["SCRIPT_NAME"], environ.get("PATH_INFO", "")
        if prefix and (path == prefix or path.startswith(f"{prefix}/")):
            environ["PATH_INFO"] = path[len(prefix) :] or "/"
        return self._app(environ, start_response)


def _prefix(said: str) -> str:
    """A prefix as links can begin with it; empty where it is none."""
    said = said.rstrip("/")
    return said if len(said) <= LONGEST_PREFIX and PREFIX.fullmatch(said) else ""
