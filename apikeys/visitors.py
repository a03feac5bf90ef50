"""Who looks at a page: a user, or the guest of a browser's session."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace
from typing import Final

from django.http import HttpRequest

from accounts.client import client_of
from accounts.errors import OriginForeign
from accounts.principal import Principal, PrincipalKind
from apikeys.authentication import principal_of

#: The detector was the first to keep something for guests; another name would lose it to them.
_SESSION_KEY: Final = "detect-visitor"


def caller_of(request: HttpRequest, *, begins: bool = False) -> Principal:
    """The caller, with what the session is known by where there is anything of a guest's in it.

    It stays with the session when the guest signs in, so that what was asked for before can still be seen.

    Args:
        begins: whether a guest is about to own something; the session's time then begins anew.

    Raises:
        OriginForeign: another site's page makes a signed-in user's browser write.
    """
    principal = principal_of(request)
    if begins and principal.kind is PrincipalKind.GUEST:
        request.session.modified = True
    secret = request.session.get(_SESSION_KEY)
    if not isinstance(secret, str):
        if not begins or principal.kind is not PrincipalKind.GUEST:
            return principal
        secret = request.session[_SESSION_KEY] = secrets.token_urlsafe(24)
    return replace(principal, visitor=hashlib.sha256(secret.encode()).hexdigest())


def onlooker_of(request: HttpRequest) -> Principal:
    """Whom a page is shown to, also where it says that the request came from another site."""
    try:
        return caller_of(request)
    except OriginForeign:
        return Principal.guest(client_of(request))
