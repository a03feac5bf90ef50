"""Views of the aividect API: parse, one service call, render."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from rest_framework.request import Request

from accounts.models import User
from accounts.principal import Principal
from apikeys.authentication import bearer_key, principal_of
from apikeys.selectors import key_of
from core.addresses import absolute_url
from core.surfaces import SurfaceView, plain_request
from credits.headers import ratelimit_headers
from credits.ledger import balance_of
from credits.policies import Product
from credits.services import Snapshot, count_request
from deepfake.api.aividect.errors import ERRORS
from deepfake.api.aividect.requests import read_analyze, read_name, read_page
from deepfake.api.aividect.responses import (
    accepted_body,
    analyses_body,
    analysis_body,
    analyze_body,
    dismissed_body,
    me_body,
    usage_body,
)
from deepfake.errors import AuthenticationMissing
from deepfake.selectors import analyses_of, analysis_counts, analysis_of
from deepfake.services import dismiss_analysis, request_analysis, request_verdict


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
    def answer(
        body: dict[str, Any], state: Snapshot, *, status: int = 200, headers: dict[str, str] | None = None
    ) -> HttpResponse:
        return JsonResponse(
            body,
            status=status,
            headers=ratelimit_headers(state) | (headers or {}),
            json_dumps_params={"ensure_ascii": False},
        )


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


class AnalyzeView(AividectView):
    """``POST /api/v1/analyze``: the verdict on a video; with ``Prefer: respond-async`` the promise of one."""

    def post(self, request: Request) -> HttpResponse:
        principal, state = self.authenticate(request)
        asked = read_analyze(request)
        name = read_name(request, asked)
        if not asked.is_async:
            analysis = request_verdict(principal=principal, source=asked.source, request=name)
            balance = balance_of(user_id=principal.account_id)
            return self.answer(analyze_body(analysis, balance=balance), state)
        analysis = request_analysis(principal=principal, source=asked.source, request=name)
        where = absolute_url(plain_request(request), reverse("aividect-analysis", args=[analysis.public_id]))
        headers = {"Location": where, "Preference-Applied": "respond-async", "Retry-After": "1"}
        return self.answer(accepted_body(analysis, status_url=where), state, status=202, headers=headers)


class AnalysisView(AividectView):
    """``/api/v1/analysis/{id}``: ``GET`` tells how an analysis stands, ``DELETE`` cancels or deletes it."""

    def get(self, request: Request, public_id: str) -> HttpResponse:
        principal, state = self.authenticate(request)
        analysis = analysis_of(user_id=principal.account_id, public_id=public_id)
        return self.answer(analysis_body(analysis), state)

    def delete(self, request: Request, public_id: str) -> HttpResponse:
        principal, state = self.authenticate(request)
        what = dismiss_analysis(principal=principal, public_id=public_id)
        return self.answer(dismissed_body(public_id, what), state)


class AnalysesView(AividectView):
    """``GET /api/v1/analyses``: the caller's analyses, newest first."""

    def get(self, request: Request) -> HttpResponse:
        principal, state = self.authenticate(request)
        asked, rows = read_page(request), analyses_of(user_id=principal.account_id)
        start = (asked.page - 1) * asked.per_page
        body = analyses_body(
            list(rows[start : start + asked.per_page]),
            page=asked.page,
            per_page=asked.per_page,
            total=rows.count(),
        )
        return self.answer(body, state)
