"""The manifest, the worker with its page, and the share target."""

from __future__ import annotations

import hashlib
import json
import logging
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from anime_search.errors import ImageMissing
from anime_search.web.requests import Question
from anime_search.web.views import answer_question, problem_page
from apikeys.authentication import principal_of
from core.errors import DomainError
from deepfake.held import hold_video
from deepfake.web.requests import parse_video_form
from deepfake.web.sites import shows_videos
from pwa.manifest import manifest
from pwa.shared import Shared, check_sender, read_shared

log = logging.getLogger(__name__)

#: What the page for when there is no connection is drawn with.
_DRAWN_WITH = ("css/frameproof.css", "icons/favicon.svg", "js/register_worker.js")


@require_safe
def web_manifest(request: HttpRequest) -> HttpResponse:
    """The manifest; pages name it so that cookies are sent, and the language that was chosen counts."""
    return _fresh(JsonResponse(manifest(), content_type="application/manifest+json"))


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """The worker. Its text names the hashed files of this release, so that a browser notices another one."""
    kept = [static(name) for name in _DRAWN_WITH]
    shelf = f"offline-{hashlib.sha256(''.join(kept).encode()).hexdigest()[:16]}"
    facts = {"offline": json.dumps(reverse("offline")), "kept": json.dumps(kept), "shelf": json.dumps(shelf)}
    return _fresh(render(request, "pwa/sw.js", facts, content_type="text/javascript; charset=utf-8"))


@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """The page that the worker keeps: rendered for nobody, for it is shown to whoever comes."""
    return _fresh(render(None, "pwa/offline.html"))


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def share(request: HttpRequest) -> HttpResponse:
    """What a phone shares: a picture is searched at once, a video leads to the detector, an address to either.

    A share has no token against forged requests; :func:`pwa.shared.check_sender` is the check in its place, and comes
    before anything is read.
    """
    if request.method != "POST":
        return redirect("home")
    try:
        check_sender(request)
        parse_video_form(request)
        shared = read_shared(request)
    except Exception as error:  # noqa: BLE001 - whatever a parser raises becomes words
        return problem_page(request, error)
    return _lead_on(request, shared)


def _lead_on(request: HttpRequest, shared: Shared) -> HttpResponse:
    if shared.video is not None:
        return _see_other(reverse("detect") + "?" + urlencode(_held(request, shared.video)))
    if shows_videos(shared.url):
        return _see_other(reverse("detect") + "?" + urlencode({"url": shared.url}))
    return answer_question(request, lambda _: _question(shared))


def _held(request: HttpRequest, video: UploadedFile[Any]) -> dict[str, str]:
    """What the detector's page is told of a video; where it cannot be held, it has to be chosen there again."""
    try:
        principal = principal_of(request)
        return {"held": hold_video(principal=principal, chunks=video.chunks(), name=video.name or "")}
    except DomainError as error:
        log.warning("a shared video is not held: %s", error.code)
        return {"shared": "video"}


def _question(shared: Shared) -> Question:
    """What the search is asked.

    Raises:
        ImageMissing: neither a picture nor an address was shared.
    """
    if not shared.picture and not shared.url:
        raise ImageMissing
    return Question(image=shared.picture, url=shared.url)


def _see_other(where: str) -> HttpResponse:
    return HttpResponse(status=303, headers={"Location": where})


def _fresh(response: HttpResponse) -> HttpResponse:
    patch_cache_control(response, no_cache=True)
    return response
