"""Who sends a request: an API key's owner, a signed-in user, or a guest known by the client's address."""

from __future__ import annotations

from django.http import HttpRequest
from django_ratelimit.core import get_usage

from accounts.client import client_of
from accounts.origin import check_origin
from accounts.principal import Principal, PrincipalKind
from apikeys.errors import ApiKeyInvalid, KeyGuessingLimited, SignInRequired
from apikeys.services import verify_key
from core.client_ip import rate_limit_key

#: Wrong keys that one address may show: a program with a typo is told so, a guesser is slowed.
WRONG_KEYS_RATE = "60/m"


def principal_of(request: HttpRequest, *, key: str = "", use_session: bool = True) -> Principal:
    """The owner of the API key, else the signed-in user of the session, else a guest.

    Args:
        key: the API key that the request shows, where the dialect has it; empty means none. A caller who
            shows a key that does not work is never taken for a guest.
        use_session: whether the dialect knows sessions at all.

    Raises:
        ApiKeyInvalid, ApiKeyRevoked: the key does not open anything.
        KeyGuessingLimited: it does not, and it was not the first from this address.
        OriginForeign: another site's page makes a signed-in user's browser write.
        Unavailable: wrong keys cannot be counted now.
    """
    address = client_of(request)
    if key:
        return _key_owner(request, key, address)
    user = getattr(request, "user", None) if use_session else None
    if user is not None and user.is_authenticated:
        check_origin(request)
        return Principal(kind=PrincipalKind.USER, user_id=user.pk, address=address, tier=user.tier)
    return Principal.guest(address)


def signed_in(request: HttpRequest) -> Principal:
    """The signed-in user of a session, for what a key must not open: a leaked key cannot mint keys.

    Raises:
        SignInRequired: nobody is signed in.
        OriginForeign: as :func:`principal_of`.
    """
    principal = principal_of(request)
    if principal.kind is not PrincipalKind.USER:
        raise SignInRequired
    return principal


def bearer_key(request: HttpRequest) -> str:
    """The API key of ``Authorization: Bearer …`` (RFC 6750); empty where there is none."""
    scheme, _, key = request.headers.get("Authorization", "").strip().partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def count_wrong_key(request: HttpRequest) -> None:
    """Count a wrong key against the client's address.

    Raises:
        KeyGuessingLimited: it was one too many.
    """
    usage = get_usage(
        request,
        group="wrong-api-keys",
        key=lambda _group, _request: rate_limit_key(client_of(request)),
        rate=WRONG_KEYS_RATE,
        increment=True,
    )
    if usage is not None and usage["should_limit"]:
        raise KeyGuessingLimited(retry_after_s=max(1, usage["time_left"]))


def _key_owner(request: HttpRequest, key: str, address: str) -> Principal:
    try:
        row = verify_key(key=key)
    except ApiKeyInvalid:
        count_wrong_key(request)
        raise
    return Principal(
        kind=PrincipalKind.API_KEY, user_id=row.user_id, key_id=row.pk, address=address, tier=row.user.tier
    )
