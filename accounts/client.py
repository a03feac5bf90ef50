"""The client's address, as limits and records of this app know it."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.http import HttpRequest

from core.client_ip import TrustedProxy, client_address, parse_trusted_proxy


@cache
def _trusted_proxies(texts: tuple[str, ...]) -> tuple[TrustedProxy, ...]:
    return tuple(parse_trusted_proxy(text) for text in texts)


def client_of(request: HttpRequest) -> str:
    """The address that a request comes from behind ``TRUSTED_PROXIES``; empty where there is none."""
    return client_address(request.META, _trusted_proxies(tuple(settings.TRUSTED_PROXIES)))
