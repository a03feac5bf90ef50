"""Views of ``/api/apikeys``: parse, one service call, render."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from rest_framework.request import Request

from apikeys.api.errors import ERRORS
from apikeys.api.requests import read_found_key, read_new_key, read_page
from apikeys.api.responses import key_body, list_body, new_key_body
from apikeys.authentication import count_wrong_key, signed_in
from apikeys.selectors import keys_of
from apikeys.services import create_key, revoke_key, revoke_leaked_key
from core.surfaces import SurfaceView, plain_request

#: A title and a date fit in far less.
MAX_BODY_BYTES = 16 * 1024


class KeysView(SurfaceView):
    """``GET /api/apikeys``: the user's keys; ``POST``: a new one, shown this once."""

    errors = ERRORS
    max_body_bytes = MAX_BODY_BYTES

    def get(self, request: Request) -> HttpResponse:
        principal = signed_in(plain_request(request))
        asked = read_page(request)
        keys = keys_of(user_id=principal.account_id)
        start = (asked.page - 1) * asked.page_size
        return _json(
            list_body(
                list(keys[start : start + asked.page_size]),
                page=asked.page,
                page_size=asked.page_size,
                total=keys.count(),
            )
        )

    def post(self, request: Request) -> HttpResponse:
        principal = signed_in(plain_request(request))
        asked = read_new_key(request)
        row, key = create_key(user_id=principal.account_id, title=asked.title, expires_at=asked.expires_at)
        return _json(new_key_body(row, key), status=201)


class KeyView(SurfaceView):
    """``DELETE /api/apikeys/{id}``: revoke a key; it stays in the list."""

    errors = ERRORS

    def delete(self, request: Request, key_id: int) -> HttpResponse:
        principal = signed_in(plain_request(request))
        return _json(key_body(revoke_key(user_id=principal.account_id, key_id=key_id)))


class LeakedKeyView(SurfaceView):
    """``POST /api/apikeys/revoke-leaked``: whoever found a key ends it; to hold it is proof enough."""

    errors = ERRORS
    max_body_bytes = MAX_BODY_BYTES

    def post(self, request: Request) -> HttpResponse:
        revoked = revoke_leaked_key(key=read_found_key(request))
        if not revoked:
            count_wrong_key(plain_request(request))
        return _json({"revoked": revoked})


def _json(body: dict[str, object], status: int = 200) -> HttpResponse:
    return JsonResponse(body, status=status, json_dumps_params={"ensure_ascii": False})
