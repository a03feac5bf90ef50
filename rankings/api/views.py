"""Views of rankings and recent searches: parse, one call, render."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from core import clock
from core.surfaces import OpenSurfaceView, plain_request
from rankings.api.errors import ERRORS
from rankings.api.etags import answered, etag_of
from rankings.api.requests import read_ranking, read_recent
from rankings.api.responses import ranking_body, recent_body, with_images
from rankings.selectors import ranking_of, recent_searches


class RankingsView(OpenSurfaceView):
    """``GET /api/anime/rankings``: the titles that are searched most."""

    errors = ERRORS

    def get(self, request: Request) -> HttpResponse:
        asked = read_ranking(request)
        ranking = ranking_of(period=asked.period, limit=asked.limit, include_adult=asked.include_adult)
        body = ranking_body(ranking)
        return answered(plain_request(request), body, etag_of(body))


class RecentSearchesView(OpenSurfaceView):
    """``GET /api/anime/recent-searches``: the latest searches that found their scene."""

    errors = ERRORS

    def get(self, request: Request) -> HttpResponse:
        asked = read_recent(request)
        searches = recent_searches(limit=asked.limit, offset=asked.offset, include_adult=asked.include_adult)
        body = recent_body(searches, limit=asked.limit, offset=asked.offset)
        # The pictures' addresses work for a day: whoever has had this answer for long is given it anew.
        tag = etag_of([body, f"{clock.now():%Y-%m-%dT%H}"], weak=True)
        http = plain_request(request)
        return answered(http, with_images(body, searches, http), tag)
