"""Views of today's trace.moe API."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from anime_search.api.tracemoe.errors import ERRORS, failed
from anime_search.previews import WIDTHS, open_token, still_of
from core.surfaces import SurfaceView


class ImageView(SurfaceView):
    """``GET /image/{id}?size=s|m|l``: the matched frame, 160, 320 or 640 pixels wide."""

    errors = ERRORS

    def get(self, request: Request, token: str) -> HttpResponse:
        size = request.query_params.get("size", "m")
        if size not in WIDTHS:
            return failed("Invalid size", 400)
        return HttpResponse(
            still_of(open_token(token), width=WIDTHS[size]),
            content_type="image/jpeg",
            headers={"Cache-Control": "private, max-age=3600", "Access-Control-Allow-Origin": "*"},
        )
