"""Views of the whatanimeisthis API: parse, one service call, render."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from rest_framework.request import Request

from accounts.identity import principal_of
from anime_search.api.whatanime.errors import ERRORS
from anime_search.api.whatanime.requests import read_image_bytes
from anime_search.api.whatanime.responses import search_body
from anime_search.services import search_scenes
from core.surfaces import SurfaceView, plain_request
from credits import services as metering

#: "Up to 5 candidates."
MOST_CANDIDATES = 5


class SearchView(SurfaceView):
    """``POST /api/anime/search``: find a screenshot's scene."""

    errors = ERRORS

    def post(self, request: Request) -> HttpResponse:
        image = read_image_bytes(request)
        admission = metering.admit(
            principal=principal_of(plain_request(request)), product=metering.WHAT_ANIME
        )
        try:
            answer = search_scenes(principal=admission.principal, image=image, limit=MOST_CANDIDATES)
        except Exception:
            metering.refund(admission=admission)
            raise
        return JsonResponse(
            search_body(answer, plain_request(request)), json_dumps_params={"ensure_ascii": False}
        )
