"""Pages of the scene search."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import number_format
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from accounts.principal import PrincipalKind
from anime_search import clip_search
from anime_search.covers import cover_file
from anime_search.engine.moving import sniff_video
from anime_search.errors import AnimeUnknown
from anime_search.fetch import fetch_picture_or_clip
from anime_search.models import Anime
from anime_search.runtime import IMAGE_LIMITS
from anime_search.titles import reader_title
from anime_search.web.asked import asked_picture, data_address
from anime_search.web.cards import Band, cards_of
from anime_search.web.errors import PROBLEMS, most_megabytes
from anime_search.web.left import left_of
from anime_search.web.offers import offer_of
from anime_search.web.requests import (
    FRAGMENT_HEADER,
    Question,
    read_only_in,
    read_question,
    wants_fragment,
)
from apikeys.authentication import principal_of
from core.pages import Problem, parse_form
from core.ranged_file import file_response
from credits.headers import add_ratelimit_headers
from credits.policies import Product
from credits.problems import answer_error
from credits.services import admitted

#: Candidates that a page shows.
MOST_CARDS = 5
COVER_HEADERS = {"Cache-Control": "public, max-age=31536000, immutable"}


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def home(request: HttpRequest) -> HttpResponse:
    """The first page: find a scene. A form that was sent to it is answered with the same page and its results.

    The check against forged requests reads the form, and a form that cannot be read would end there, without
    a page of ours. So the form is read here first, and the check comes after that.
    """
    if request.method != "POST":
        return _first_page(request)
    try:
        parse_form(request)
    except Exception as error:  # noqa: BLE001 - whatever a parser raises becomes words
        return problem_page(request, error)
    return _search(request)


def _first_page(request: HttpRequest) -> HttpResponse:
    try:
        only = read_only_in(request.GET)
    except AnimeUnknown as error:
        return problem_page(request, error)
    return render(
        request, "anime_search/home.html", _page(request, url=request.GET.get("url", ""), only=only)
    )


@require_safe
def cover(request: HttpRequest, anilist_id: str, version: str) -> HttpResponse:
    """The copy of a title's cover; ``version`` changes with the picture, which can therefore be kept for good."""
    anime = Anime.objects.filter(anilist_id=int(anilist_id)).only("anilist_id", "cover_url").first()
    path = cover_file(anime) if anime else None
    if path is None or not path.stem.endswith(f"-{version}"):
        raise Http404
    try:
        return file_response(request, path, etag=version, content_type="image/webp", headers=COVER_HEADERS)
    except FileNotFoundError:
        raise Http404 from None


@csrf_protect
def _search(request: HttpRequest) -> HttpResponse:
    return answer_question(request, read_question)


def answer_question(request: HttpRequest, read: Callable[[HttpRequest], Question]) -> HttpResponse:
    """The page with what was found, or with what is wrong.

    Args:
        read: reads the question off the request, whose form has been parsed.
    """
    url = request.POST.get("url", "")
    only = None
    try:
        only = read_only_in(request.POST)
        question = read(request)
        url = question.url or url
        found = _find(request, question, only)
    except Exception as error:  # noqa: BLE001 - the same
        return problem_page(request, error, url=url, only=only)
    state = found.pop("state")
    response = _results(request, 200, url=url, only=only, **found)
    add_ratelimit_headers(response, state)
    return response


def _find(request: HttpRequest, question: Question, only: Anime | None) -> dict[str, Any]:
    """Admit, fetch, search; what fails is refunded."""
    principal = principal_of(request)
    with ExitStack() as admissions:
        if principal.kind is PrincipalKind.GUEST:
            # "The system limits search by IP address, and counts both search via API and webpage together."
            admissions.enter_context(admitted(principal=principal, product=Product.TRACE_MOE))
        ticket = admissions.enter_context(admitted(principal=principal, product=Product.WHAT_ANIME))
        media = question.image or fetch_picture_or_clip(question.url)
        answer = clip_search.search_media(
            principal=principal,
            media=media,
            limit=MOST_CARDS,
            anilist_id=only.anilist_id if only else None,
        )
    # The page's script shows a picture that it sent by itself.
    is_shown = wants_fragment(request) and bool(question.image) and sniff_video(media) is None
    cards, picture = cards_of(answer, principal=principal), asked_picture(media)
    return {
        "answer": answer,
        "cards": cards,
        # The best scene's video may have been deleted since it was indexed: then there is no match to show.
        "matched": bool(cards) and cards[0].band is Band.MATCH,
        "asked": "" if is_shown else data_address(picture),
        "offer": offer_of(principal, answer, picture) if cards and picture else None,
        "frames": number_format(answer.frames, force_grouping=True),
        "search_ms": round(answer.timings_ms.get("total", 0)),
        "state": ticket.snapshot,
    }


def problem_page(
    request: HttpRequest, error: Exception, *, url: str = "", only: Anime | None = None
) -> HttpResponse:
    """The page with what is wrong, whatever was raised."""

    def page(problem: Problem) -> HttpResponse:
        return _results(request, problem.status, url=url, only=only, problem=problem)

    return answer_error(request, error, PROBLEMS, page)


def _results(request: HttpRequest, status: int, **found: Any) -> HttpResponse:
    """The results alone for the page's script, within the page for everybody else: the same template."""
    if not wants_fragment(request):
        return render(request, "anime_search/home.html", _page(request, **found), status=status)
    found |= {"left": left_of(request), "is_fragment": True}
    response = render(request, "anime_search/_results.html", found, status=status)
    response[FRAGMENT_HEADER] = "results"
    return response


def _page(request: HttpRequest, *, only: Anime | None = None, **more: Any) -> dict[str, Any]:
    return {
        "most_bytes": IMAGE_LIMITS.max_bytes,
        "most_megabytes": most_megabytes(),
        "left": left_of(request),
        "only": only and {"number": only.anilist_id, "title": reader_title(only)},
        **more,
    }
