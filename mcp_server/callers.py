"""On whose behalf tools are called: whoever started the server on this machine, or the owner of the key in a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mcp.server.context import ServerRequestContext

from accounts.models import User
from accounts.principal import Principal, PrincipalKind
from apikeys.errors import ApiKeyInvalid
from apikeys.services import verify_key
from mcp_server.errors import CallerUnknown

#: Where the HTTP transport leaves the principal of a request, in its ASGI scope.
SCOPE_KEY = "frameproof.principal"

#: Says who calls a tool. It is asked at each call, in a thread: a key that was revoked opens nothing from then on.
CallerOf = Callable[[ServerRequestContext[Any, Any]], Principal]


def owner_of_key(key: str) -> Principal:
    """The owner of an API key.

    Raises:
        ApiKeyInvalid, ApiKeyRevoked: the key does not open anything.
    """
    row = verify_key(key=key)
    return Principal(kind=PrincipalKind.API_KEY, user_id=row.user_id, key_id=row.pk, tier=row.user.tier)


def account_named(email: str) -> Principal:
    """The account that signs in with an address.

    Raises:
        CallerUnknown: there is none that is open.
    """
    user = User.objects.filter(email=email.lower(), is_active=True).first()
    if user is None:
        raise CallerUnknown
    return Principal(kind=PrincipalKind.USER, user_id=user.pk, tier=user.tier)


def caller_of_request(ctx: ServerRequestContext[Any, Any]) -> Principal:
    """The principal that :mod:`mcp_server.http` found in the request of this call.

    Raises:
        ApiKeyInvalid: there is none: nobody gets in without having been let in there.
    """
    scope = getattr(ctx.request, "scope", None)
    principal = scope.get(SCOPE_KEY) if scope is not None else None
    if not isinstance(principal, Principal):
        raise ApiKeyInvalid
    return principal
