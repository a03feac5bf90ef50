"""Views of the aividect API: parse, one service call, render."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, JsonResponse
from rest_framework.request import Request

from accounts.models import User
from accounts.principal import Principal
from apikeys.authentication import bearer_key, principal_of
from apikeys.selectors import key_of
from core.surfaces import SurfaceView, plain_request
from credits.headers import ratelimit_headers
from credits.policies import Product
from credits.services import Snapshot, count_request
from deepfake.api.aividect.errors import ERRORS
from deepfake.api.aividect.responses import me_body, usage_body
from deepfake.errors import AuthenticationMissing
from deepfake.selectors import analysis_counts


class AividectView(SurfaceView):
    """What all views of this dialect share: an API key, and a place in the day's requests."""

    errors = ERRORS

    def authenticate(self, request: Request) -> tuple[Principal, Snapshot]:
        """The key's owner, with this request counted.

        Raises:
            AuthenticationMissing, ApiKeyInvalid, ApiKeyRevoked, KeyGuessingLimited, QuotaExhausted: as the
                names say.
        """
        http = plain_request(request)
        key = bearer_key(http)
        if not key:
            raise AuthenticationMissing
        principal = principal_of(http, key=key, use_session=False)
        return principal, count_request(principal=principal, product=Product.API_V1)

    @staticmethod
    def answer(body: dict[str, Any], state: Snapshot) -> HttpResponse:
        return JsonResponse(body, headers=ratelimit_headers(state), json_dumps_params={"ensure_ascii": False})


class MeView(AividectView):
    """``GET /api/v1/me``: the API key and its owner."""

    def get(self, request: Request) -> HttpResponse:
        principal, state = self.authenticate(request)
        user = User.objects.get(pk=principal.account_id)
        key = key_of(key_id=principal.key_id) if principal.key_id is not None else None
        return self.answer(me_body(user, key, state), state)


class UsageView(AividectView):
    """``GET /api/v1/usage``: analyses, and what is left of the day's requests."""

    def get(self, request: Request) -> HttpResponse:
        principal, state = self.authenticate(request)
        counts = analysis_counts(user_id=principal.account_id)
        return self.answer(usage_body(principal.tier, counts, state), state)
