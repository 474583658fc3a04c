"""Where pictures and results of jobs lie for a while: files of one machine, or Redis."""

from typing import Any, Protocol

PREFIX = "lesions:"


class StoreError(RuntimeError):
    """The store cannot be reached or has no room; the message is for users."""


class Store(Protocol):
    """Values under keys, each with an end."""

    def put(self, key: str, value: bytes, seconds: float) -> None:
        """Keep `value` under `key` for `seconds`."""

    def get(self, key: str) -> bytes | None:
        """The value of `key`; None where there is none, or none any more."""

    def remove(self, *keys: str) -> None:
        """Forget keys, whether they are there or not."""

    def keys(self, start: str) -> list[str]:
        """The keys that begin with `start`."""


class RedisStore:
    """A store in Redis, shared by the machines that can reach it; Redis itself forgets."""

    def __init__(self, url: str) -> None:
        import redis

        self._redis = redis.Redis.from_url(url, socket_connect_timeout=3, socket_timeout=20)
        self._failures = redis.RedisError

    def put(self, key: str, value: bytes, seconds: float) -> None:
        """Keep `value` under `key` for `seconds`."""
        self._ask("set", PREFIX + key, value, px=round(1000 * seconds))

    def get(self, key: str) -> bytes | None:
        """The value of `key`; None where there is none, or none any more."""
        value: bytes | None = self._ask("get", PREFIX + key)
        return value

    def remove(self, *keys: str) -> None:
        """Forget keys, whether they are there or not."""
        self._ask("delete", *(PREFIX + key for key in keys))

    def keys(self, start: str) -> list[str]:
        """The keys that begin with `start`."""
        found: list[bytes] = self._ask("keys", f"{PREFIX}{start}*")
        return [key.decode()[len(PREFIX) :] for key in found]

    def _ask(self, command: str, *arguments: Any, **options: Any) -> Any:
        try:
            return getattr(self._redis, command)(*arguments, **options)
        except self._failures as error:
            # Its text may hold the address, and the address a password.
            raise StoreError(
                f"the queue of explanations cannot be reached ({type(error).__name__})"
            ) from None
