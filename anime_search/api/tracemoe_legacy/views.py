"""Views of the old trace.moe API: parse, one service call, render."""

from __future__ import annotations

import math
from typing import Any

from django.http import HttpResponse, JsonResponse
from rest_framework.request import Request

from accounts.identity import principal_of
from anime_search.api.tracemoe_legacy.errors import ERRORS, quoted
from anime_search.api.tracemoe_legacy.headers import limit_fields, limit_headers
from anime_search.api.tracemoe_legacy.requests import read_search
from anime_search.api.tracemoe_legacy.responses import preview_context, search_body
from anime_search.errors import PreviewGone, PreviewRefused
from anime_search.previews import WIDTHS, open_token, still_of
from anime_search.services import search_scenes
from core.surfaces import SurfaceView, plain_request
from credits import services as metering

#: "There is a hard limit of 1MB post size."
MAX_BODY_BYTES = 1024 * 1024
#: Results of one search.
MOST_DOCS = 10


class LegacyView(SurfaceView):
    """What all views of this dialect share."""

    errors = ERRORS

    def finalize_response(
        self, request: Request, response: HttpResponse, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Access-Control-Allow-Origin"] = "*"
        return response

    def options(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponse(
            headers={
                "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
                "Access-Control-Allow-Headers": "Content-Type",
            }
        )


class SearchView(LegacyView):
    """``POST /api/search``, and ``GET`` with ``?url=``."""

    max_body_bytes = MAX_BODY_BYTES

    def post(self, request: Request) -> HttpResponse:
        search = read_search(request)
        admission = metering.admit(principal=principal_of(plain_request(request)), product=metering.TRACE_MOE)
        try:
            answer = search_scenes(
                principal=admission.principal,
                image=search.image,
                limit=MOST_DOCS,
                anilist_id=search.anilist_id,
            )
        except Exception:
            metering.refund(admission=admission)
            raise
        return JsonResponse(
            search_body(answer, admission.snapshot),
            headers=limit_headers(admission.snapshot),
            json_dumps_params={"ensure_ascii": False},
        )

    get = post


class MeView(LegacyView):
    """``GET /api/me``: what is left; it costs nothing."""

    def get(self, request: Request) -> HttpResponse:
        principal = principal_of(plain_request(request))
        state = metering.snapshot(principal=principal, product=metering.TRACE_MOE)
        policy = metering.POLICIES[metering.TRACE_MOE]
        return JsonResponse(
            {
                "user_id": principal.user_id,
                "email": principal.address,
                **limit_fields(state),
                "user_limit": policy.rate,
                "user_limit_ttl": policy.rate_s,
                "user_quota": policy.daily,
                "user_quota_ttl": metering.DAY_S,
            },
            headers=limit_headers(state),
        )

    post = get


class ThumbnailView(LegacyView):
    """``GET /thumbnail.php``: the matched frame, 320 pixels wide."""

    def get(self, request: Request) -> HttpResponse:
        query = request.query_params
        try:
            at = float(query.get("t", ""))
        except ValueError:
            return quoted("Invalid time", 400)
        if not math.isfinite(at) or at < 0:
            return quoted("Invalid time", 400)
        filename = query.get("file", "")
        if not filename:
            raise PreviewGone
        token = query.get("token", "")
        if not token:
            raise PreviewRefused
        moment = open_token(
            token, context=preview_context(query.get("anilist_id", ""), filename, f"{at:.2f}")
        )
        return HttpResponse(
            still_of(moment, width=WIDTHS["m"]),
            content_type="image/jpeg",
            headers={"Cache-Control": "private, max-age=3600"},
        )
