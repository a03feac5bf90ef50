"""Views of today's trace.moe API."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any, Final

from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from accounts.principal import Principal
from accounts.selectors import email_of
from anime_search.api.tracemoe.errors import ERRORS
from anime_search.api.tracemoe.headers import EXPOSED, limit_headers
from anime_search.api.tracemoe.requests import read_key, read_search
from anime_search.api.tracemoe.responses import me_body, search_body
from anime_search.clip_response import clip_response
from anime_search.clips import passage_of, scene_of, still_file_of
from anime_search.errors import PreviewSizeInvalid
from anime_search.fetch import fetch_media
from anime_search.previews import WIDTHS, open_token, video_at
from anime_search.queueing import require_room
from anime_search.services import search_scenes
from anime_search.uploads import MAX_BYTES, picture_of
from apikeys.authentication import principal_of
from core.errors import DomainError
from core.ranged_file import file_response
from core.surfaces import OpenSurfaceView, RouteNotFound, plain_request
from credits.policies import Product
from credits.services import admitted, snapshot

log = logging.getLogger(__name__)

#: Results of one search.
MOST_RESULTS: Final = 10
CACHED: Final = {"Cache-Control": "private, max-age=3600"}
#: Room for the parts of a form around the file.
MAX_BODY_BYTES: Final = MAX_BYTES + 64 * 1024


class TraceView(OpenSurfaceView):
    """What the views of this dialect share: scripts of any site may read them, and each says what is left."""

    errors = ERRORS
    exposed_headers = EXPOSED
    accepted_methods = "GET, POST, OPTIONS"
    accepted_headers = "Content-Type, x-trace-key, If-None-Match, If-Range, Range"
    #: Whoever :meth:`principal` found; a key is looked up once, since a wrong one counts as a guess each time.
    _found: Principal | None = None
    _has_looked = False

    def finalize_response(
        self, request: Request, response: HttpResponse, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        response = super().finalize_response(request, response, *args, **kwargs)
        if "X-RateLimit-Limit" not in response:
            for name, value in self._limits(request).items():
                response[name] = value
        return response

    def principal(self, request: Request) -> Principal:
        """Whoever the API key names, else the client's address; this dialect knows no sessions.

        Raises:
            ApiKeyInvalid, ApiKeyRevoked, KeyGuessingLimited: the key does not open anything.
        """
        self._has_looked = True
        self._found = principal_of(plain_request(request), key=read_key(request), use_session=False)
        return self._found

    def _limits(self, request: Request) -> dict[str, str]:
        """What is left of whoever asks; of a key that opens nothing, what its sender has without it."""
        try:
            if not self._has_looked:
                with suppress(DomainError):
                    self.principal(request)
            principal = self._found or principal_of(plain_request(request), use_session=False)
            return limit_headers(snapshot(principal=principal, product=Product.TRACE_MOE))
        except Exception as error:  # noqa: BLE001 - an answer is there already, and goes out without these headers
            # Nothing can be counted now, or the query cannot be read: the answer itself says so.
            log.info("no limits for the answer at %s: %s", request.path, type(error).__name__)
            return {}


class SearchView(TraceView):
    """``GET`` or ``POST /search``: find the scene of a picture, or of a video's first frame."""

    max_body_bytes = MAX_BODY_BYTES

    def post(self, request: Request) -> HttpResponse:
        principal = self.principal(request)
        search = read_search(request)
        with admitted(principal=principal, product=Product.TRACE_MOE, limit_concurrency=True) as ticket:
            require_room(priority=ticket.snapshot.limits.priority)
            media = search.media or fetch_media(search.url)
            answer = search_scenes(
                principal=principal,
                image=picture_of(media),
                limit=MOST_RESULTS,
                anilist_id=search.anilist_id,
            )
        return JsonResponse(
            search_body(answer, ticket.snapshot, plain_request(request), anilist_info=search.anilist_info),
            headers=limit_headers(ticket.snapshot),
            json_dumps_params={"ensure_ascii": False},
        )

    get = post


class MeView(TraceView):
    """``GET /me``: who asks, and what is left of the day; it costs nothing."""

    def get(self, request: Request) -> HttpResponse:
        principal = self.principal(request)
        state = snapshot(principal=principal, product=Product.TRACE_MOE)
        name = email_of(user_id=principal.user_id) or principal.address
        return JsonResponse(me_body(name, state), headers=limit_headers(state))


class PreviewView(TraceView):
    """What both previews share."""

    def width(self, request: Request) -> int:
        """Pixels that the parameter ``size`` names.

        Raises:
            PreviewSizeInvalid: it names none.
        """
        size = request.query_params.get("size", "m")
        if size not in WIDTHS:
            raise PreviewSizeInvalid
        return WIDTHS[size]


class ImageView(PreviewView):
    """``GET /image/{id}?size=s|m|l``: the matched frame, 160, 320 or 640 pixels wide."""

    def get(self, request: Request, token: str) -> HttpResponse:
        still = still_file_of(open_token(token), width=self.width(request))
        return file_response(
            plain_request(request), still.path, etag=still.etag, content_type="image/jpeg", headers=CACHED
        )


class VideoView(PreviewView):
    """``GET /video/{id}?size=s|m|l[&mute]``: the matched scene, at most 5 s to either side of the frame."""

    def get(self, request: Request, token: str) -> HttpResponseBase:
        width, moment = self.width(request), open_token(token)
        start_s, end_s = scene_of(moment)
        passage = passage_of(
            video_id=moment.video_id,
            start_s=start_s,
            end_s=end_s,
            width=width,
            mute="mute" in request.query_params,
        )
        headers = CACHED | {
            "x-video-start": f"{passage.start_s:.3f}",
            "x-video-end": f"{passage.end_s:.3f}",
            "x-video-duration": f"{video_at(moment.video_id, passage.start_s).duration_ms / 1000:.3f}",
        }
        return clip_response(plain_request(request), passage, headers=headers)


class NothingHere(TraceView):
    """Whatever else is asked for below this dialect's addresses."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise RouteNotFound
