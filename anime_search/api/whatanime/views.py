"""Views of the whatanimeisthis API: parse, one service call, render."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from rest_framework.request import Request

from accounts.identity import principal_of
from anime_search.api.whatanime.errors import ERRORS
from anime_search.api.whatanime.requests import read_key, read_search
from anime_search.api.whatanime.responses import search_body
from anime_search.fetch import fetch_image
from anime_search.services import search_scenes
from core.surfaces import SurfaceView, plain_request
from credits.services import WHAT_ANIME, admitted

#: "Up to 5 candidates."
MOST_CANDIDATES = 5


class SearchView(SurfaceView):
    """``POST /api/anime/search``: find a screenshot's scene."""

    errors = ERRORS

    def post(self, request: Request) -> HttpResponse:
        principal = principal_of(plain_request(request), key=read_key(request))
        search = read_search(request)
        with admitted(principal=principal, product=WHAT_ANIME):
            answer = search_scenes(
                principal=principal, image=search.image or fetch_image(search.url), limit=MOST_CANDIDATES
            )
        return JsonResponse(
            search_body(answer, plain_request(request)), json_dumps_params={"ensure_ascii": False}
        )
