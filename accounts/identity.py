"""Who sends a request."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.http import HttpRequest

from accounts.errors import ApiKeyInvalid
from accounts.principal import Principal, PrincipalKind
from core.client_ip import TrustedProxy, client_address, parse_trusted_proxy


@cache
def _trusted_proxies(texts: tuple[str, ...]) -> tuple[TrustedProxy, ...]:
    return tuple(parse_trusted_proxy(text) for text in texts)


def principal_of(request: HttpRequest, *, key: str = "", use_session: bool = True) -> Principal:
    """The signed-in user of a session, else a guest known by the client's address.

    Args:
        key: the API key that the request shows, where the dialect has it; empty means none. No keys are
            issued so far, so that any is refused: a caller who shows one must not be taken for a guest.
        use_session: whether the dialect knows sessions at all.

    Raises:
        ApiKeyInvalid: the key is not one of ours.
    """
    if key:
        raise ApiKeyInvalid
    address = client_address(request.META, _trusted_proxies(settings.TRUSTED_PROXIES))
    user = getattr(request, "user", None) if use_session else None
    if user is not None and user.is_authenticated:
        return Principal(kind=PrincipalKind.USER, user_id=user.pk, address=address, tier=user.tier)
    return Principal.guest(address)
