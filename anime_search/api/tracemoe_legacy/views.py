"""Views of the old trace.moe API: parse, one service call, render."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.log import log_response
from rest_framework.request import Request

from accounts.principal import Principal
from accounts.selectors import email_of
from anime_search.api.tracemoe_legacy.errors import ERRORS
from anime_search.api.tracemoe_legacy.headers import EXPOSED, UNLIMITED, limit_fields, limit_headers
from anime_search.api.tracemoe_legacy.requests import is_mute, read_key, read_name, read_preview, read_search
from anime_search.api.tracemoe_legacy.responses import preview_context, search_body
from anime_search.clip_response import clip_response
from anime_search.clips import passage_of, scene_of, still_file_of
from anime_search.errors import ImageUndecodable
from anime_search.fetch import fetch_image
from anime_search.previews import WIDTHS, Moment, open_named_token
from anime_search.services import search_scenes
from apikeys.authentication import principal_of
from core.ranged_file import file_response
from core.surfaces import OpenSurfaceView, plain_request
from credits.policies import DAY_S, Product
from credits.services import admitted, snapshot

#: "There is a hard limit of 1MB post size."
MAX_BODY_BYTES = 1024 * 1024
#: Results of one search.
MOST_DOCS = 10
#: "1 seconds before and 2 seconds ahead".
SECONDS_BEFORE, SECONDS_AFTER = 1.0, 2.0
CACHED: Final = {"Cache-Control": "private, max-age=3600"}


class LegacyView(OpenSurfaceView):
    """What all views of this dialect share."""

    errors = ERRORS
    exposed_headers = EXPOSED
    accepted_methods = "GET, POST, OPTIONS"
    accepted_headers = "Content-Type, If-None-Match, If-Range, Range"

    def handle_exception(self, exc: Exception) -> HttpResponse:
        response = super().handle_exception(exc)
        if isinstance(exc, ImageUndecodable):
            # Documented as a 500, and yet the caller's mistake: Django would log it as an error of ours.
            log_response(
                "unreadable image at %s",
                self.request.path,
                response=response,
                request=plain_request(self.request),
                level="warning",
            )
        return response

    def principal(self, request: Request) -> Principal:
        """Whoever the API token names, else the client's address; this dialect knows no sessions.

        Raises:
            ApiKeyInvalid, ApiKeyRevoked: the token does not open anything.
        """
        return principal_of(plain_request(request), key=read_key(request), use_session=False)


class SearchView(LegacyView):
    """``POST /api/search``, and ``GET`` with ``?url=``."""

    max_body_bytes = MAX_BODY_BYTES

    def post(self, request: Request) -> HttpResponse:
        search = read_search(request)
        principal = self.principal(request)
        with admitted(principal=principal, product=Product.TRACE_MOE) as ticket:
            answer = search_scenes(
                principal=principal,
                image=search.image or fetch_image(search.url),
                limit=MOST_DOCS,
                anilist_id=search.anilist_id,
            )
        return JsonResponse(
            search_body(answer, ticket.snapshot),
            headers=limit_headers(ticket.snapshot),
            json_dumps_params={"ensure_ascii": False},
        )

    get = post


class MeView(LegacyView):
    """``GET /api/me``: what is left; it costs nothing."""

    def get(self, request: Request) -> HttpResponse:
        principal = self.principal(request)
        state = snapshot(principal=principal, product=Product.TRACE_MOE)
        return JsonResponse(
            {
                "user_id": principal.user_id,
                "email": email_of(user_id=principal.user_id) or principal.address,
                **limit_fields(state),
                "user_limit": UNLIMITED.limit if state.limits.rate is None else state.limits.rate,
                "user_limit_ttl": state.limits.rate_s,
                "user_quota": UNLIMITED.limit if state.limits.daily is None else state.limits.daily,
                "user_quota_ttl": DAY_S,
            },
            headers=limit_headers(state),
        )

    post = get


class PreviewView(LegacyView):
    """What all previews share: an address that names file and time, and a token for just these."""

    def moment(self, request: Request, anilist_id: str, filename: str) -> Moment:
        """The moment of an address.

        Raises:
            PreviewTimeInvalid, PreviewRefused, PreviewExpired, PreviewGone: as the names say.
        """
        asked = read_preview(request)
        return open_named_token(
            asked.token,
            context=preview_context(anilist_id, filename),
            filename=filename,
            at_s=asked.at_s,
        )

    def clip(self, request: Request, moment: Moment, start_s: float, end_s: float) -> HttpResponseBase:
        """The video of the moment, from one second of it to another."""
        passage = passage_of(
            video_id=moment.video_id,
            start_s=start_s,
            end_s=end_s,
            width=WIDTHS["l"],
            mute=is_mute(request),
        )
        return clip_response(plain_request(request), passage, headers=CACHED)


class ThumbnailView(PreviewView):
    """``GET /thumbnail.php``: the matched frame, 320 pixels wide."""

    def get(self, request: Request) -> HttpResponse:
        still = still_file_of(self.moment(request, *read_name(request)), width=WIDTHS["m"])
        return file_response(
            plain_request(request), still.path, etag=still.etag, content_type="image/jpeg", headers=CACHED
        )


class ClipView(PreviewView):
    """``GET /preview.php``: three seconds of video, from 1 s before the matched frame to 2 s after it."""

    def get(self, request: Request) -> HttpResponseBase:
        moment = self.moment(request, *read_name(request))
        at_s = moment.at_ms / 1000
        return self.clip(request, moment, at_s - SECONDS_BEFORE, at_s + SECONDS_AFTER)


class SceneView(PreviewView):
    """``GET /video/{anilist_id}/{filename}``: the matched scene, cut where it begins and ends."""

    def get(self, request: Request, anilist_id: str, filename: str) -> HttpResponseBase:
        moment = self.moment(request, anilist_id, filename)
        return self.clip(request, moment, *scene_of(moment))
