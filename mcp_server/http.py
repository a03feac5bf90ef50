"""The tools over streamable HTTP: an ASGI application that lets nobody in without an API key."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from mcp.server.transport_security import TransportSecuritySettings

from accounts.principal import Principal
from apikeys.authentication import bearer_key, principal_of
from apikeys.errors import ApiKeyInvalid, ApiKeyRevoked, KeyGuessingLimited
from core.errors import DomainError, Unavailable
from core.surfaces import BodyTooLarge, InternalFault, MethodNotAllowed, RouteNotFound, as_domain_error
from deepfake.errors import AuthenticationMissing
from mcp_server.callers import SCOPE_KEY, caller_of_request
from mcp_server.errors import HostRefused, error_body
from mcp_server.server import build_server
from mcp_server.threads import in_thread

log = logging.getLogger(__name__)

PATH: Final = "/mcp"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

#: Status of what can be wrong before a message is read; what is wrong with a call is the tool's answer.
STATUS: Final[dict[type[DomainError], int]] = {
    AuthenticationMissing: 401,
    ApiKeyInvalid: 401,
    ApiKeyRevoked: 401,
    KeyGuessingLimited: 429,
    HostRefused: 400,
    RouteNotFound: 404,
    MethodNotAllowed: 405,
    BodyTooLarge: 413,
    Unavailable: 503,
    DomainError: 500,
}


def build_app() -> AsgiApp:
    """Make the application.

    There are no sessions: each request shows its key, and is answered on its own connection.
    """
    server = build_server(caller_of=caller_of_request, files=False)
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        stateless_http=True,
        max_request_body_size=settings.MAX_BODY_BYTES,
        # The site's own ALLOWED_HOSTS decide, below.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    return KeysOnly(app)


class KeysOnly:
    """Finds the owner of each request's key, and leaves it in the scope for :func:`.callers.caller_of_request`."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            principal = await in_thread(lambda: _let_in(scope))
        except Exception as error:  # noqa: BLE001 - whatever is raised becomes an answer
            await _refuse(error, send)
            return
        await self._app({**scope, SCOPE_KEY: principal}, receive, send)


def _let_in(scope: Scope) -> Principal:
    """Whoever owns the key of a request.

    Raises:
        RouteNotFound, MethodNotAllowed, HostRefused, BodyTooLarge, AuthenticationMissing, ApiKeyInvalid, ApiKeyRevoked,
            KeyGuessingLimited, Unavailable: as the names say.
    """
    if scope["path"] != PATH:
        raise RouteNotFound
    if scope["method"] != "POST":
        # GET would open a stream that stays silent, and DELETE end a session: there are none.
        raise MethodNotAllowed(allowed=["POST"])
    request = ASGIRequest(dict(scope), io.BytesIO())
    try:
        request.get_host()
    except DisallowedHost:
        raise HostRefused from None
    length = request.META.get("CONTENT_LENGTH", "")
    if length.isdecimal() and int(length) > settings.MAX_BODY_BYTES:
        raise BodyTooLarge
    key = bearer_key(request)
    if not key:
        raise AuthenticationMissing
    return principal_of(request, key=key, use_session=False)


async def _refuse(error: Exception, send: Send) -> None:
    told = as_domain_error(error)
    if told is not error:
        log.error("unhandled error at %s", PATH, exc_info=error)
    status = next(STATUS[kind] for kind in type(told).__mro__ if kind in STATUS)
    if status == STATUS[DomainError]:
        told = InternalFault()
    body = json.dumps({"error": error_body(told)}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if status == STATUS[ApiKeyInvalid]:
        headers.append((b"www-authenticate", b"Bearer"))
    if status == STATUS[MethodNotAllowed]:
        headers.append((b"allow", b"POST"))
    if retry_after_s := told.data.get("retry_after_s"):
        headers.append((b"retry-after", str(retry_after_s).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
