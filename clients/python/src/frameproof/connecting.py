"""What both clients are told when they are made, and how an attempt ends."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import httpx

from frameproof.errors import ApiError, ConnectionFailed
from frameproof.exchanges import Exchange
from frameproof.retries import RetryPolicy

Result = TypeVar("Result")

DEFAULT_HOST: Final = "http://127.0.0.1:8000"
#: Seconds for a request's answer: a search takes 15 at most, behind a queue.
TIMEOUT_S: Final = 30.0
#: Seconds for a verdict: the server's own deadline is 60 unless its operator changed it.
VERDICT_TIMEOUT_S: Final = 120.0
_CONNECT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a server is, and how it is spoken to."""

    host: str
    api_key: str
    timeout_s: float
    retry: RetryPolicy

    @classmethod
    def of(
        cls, host: str | None, api_key: str | None, timeout_s: float, retry: RetryPolicy | None
    ) -> Connection:
        """What is given, else what the environment says (``FRAMEPROOF_HOST``, ``FRAMEPROOF_API_KEY``).

        Raises:
            ValueError: the host is no address, or the key none that a header can carry.
        """
        host = (host or os.environ.get("FRAMEPROOF_HOST") or DEFAULT_HOST).rstrip("/")
        if not host.startswith(("http://", "https://")):
            raise ValueError("the host must begin with http:// or https://")
        key = (os.environ.get("FRAMEPROOF_API_KEY", "") if api_key is None else api_key).strip()
        if not (key.isascii() and (key.isprintable())):
            raise ValueError("an API key has printable ASCII characters only")
        return cls(host, key, timeout_s, retry or RetryPolicy())

    def options(self) -> dict[str, Any]:
        """Options of httpx's clients. Redirects are not followed: a key must not go to another host."""
        headers = {"User-Agent": "frameproof-client/0.1.0", "Accept": "application/json"}
        if self.api_key:
            headers["Authorization"] = f"Bearer {self.api_key}"
        return {"base_url": self.host, "headers": headers, "follow_redirects": False}

    def timeout_of(self, exchange: Exchange[Any]) -> httpx.Timeout:
        """How long an exchange may take, connecting apart."""
        return httpx.Timeout(exchange.timeout_s or self.timeout_s, connect=_CONNECT_S)

    def next_wait_s(self, exchange: Exchange[Any], attempt: int, error: Exception) -> float | None:
        """Seconds until the next attempt after one that failed; None where the error is to be raised."""
        told = error if isinstance(error, ApiError) else None
        if told is None and not isinstance(error, ConnectionFailed):
            return None
        return self.retry.wait_s(
            attempt=attempt,
            repeatable=exchange.repeatable,
            status=told.status if told else None,
            code=told.code if told else "",
            retry_after_s=told.retry_after_s if told else None,
        )


def connection_failed(host: str, error: httpx.TransportError) -> ConnectionFailed:
    """What httpx raises, in words of this package."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return ConnectionFailed(f"{host} cannot be reached")
    if isinstance(error, httpx.TimeoutException):
        return ConnectionFailed(f"{host} did not answer in time")
    return ConnectionFailed(f"the connection to {host} broke")
