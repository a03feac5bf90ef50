"""Views of the whatanimeisthis API: parse, one service call, render."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from rest_framework.request import Request

from anime_search.api.whatanime.errors import ERRORS
from anime_search.api.whatanime.requests import read_name, read_search
from anime_search.api.whatanime.responses import credits_body, search_body
from anime_search.clip_search import search_media
from anime_search.fetch import fetch_picture_or_clip
from apikeys.authentication import bearer_key, principal_of, signed_in
from core.surfaces import SurfaceView, plain_request
from credits.headers import ratelimit_headers
from credits.policies import Product
from credits.services import admitted, snapshot

#: "Up to 5 candidates."
MOST_CANDIDATES = 5


class SearchView(SurfaceView):
    """``POST /api/anime/search``: find the scene of a screenshot, an animation or a short video."""

    errors = ERRORS

    def post(self, request: Request) -> HttpResponse:
        http = plain_request(request)
        principal = principal_of(http, key=bearer_key(http))
        search = read_search(request)
        name = read_name(request, search)
        with admitted(principal=principal, product=Product.WHAT_ANIME, request=name) as ticket:
            body = ticket.replay
            if body is None:
                media = search.image or fetch_picture_or_clip(search.url)
                answer = search_media(principal=principal, media=media, limit=MOST_CANDIDATES)
                body = search_body(answer, http)
            if name is not None:
                ticket.answer = body
        return JsonResponse(
            body,
            headers=ratelimit_headers(ticket.snapshot),
            json_dumps_params={"ensure_ascii": False},
        )


class CreditsView(SurfaceView):
    """``GET /api/user/anime-credits``: the searches that a signed-in user has left."""

    errors = ERRORS

    def get(self, request: Request) -> HttpResponse:
        principal = signed_in(plain_request(request))
        state = snapshot(principal=principal, product=Product.WHAT_ANIME)
        return JsonResponse(credits_body(principal.tier, state), headers=ratelimit_headers(state))
