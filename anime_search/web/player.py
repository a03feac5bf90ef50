"""A scene in large: its clip, and a film of the minute around it, each frame of which can be played from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from anime_search.clip_response import clip_response
from anime_search.film import Film, frame_file, open_film, open_playable_film, passage_from
from anime_search.previews import WIDTHS, sign_moment
from anime_search.titles import reader_title
from anime_search.web.cards import episode_text, picture_height, time_text
from anime_search.web.errors import problem_page
from anime_search.web.requests import FRAGMENT_HEADER, wants_fragment
from core.ranged_file import file_response

CACHED: Final = {"Cache-Control": "private, max-age=3600"}
_NUMBER: Final = re.compile(r"[0-9]{1,2}")


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame of the film.

    Attributes:
        at: its time in words.
        page: the address of the scene's page with this frame chosen; clip and picture are those of its media.
        is_own: whether it is the scene's.
    """

    at: str
    page: str
    clip: str
    picture: str
    is_own: bool


@require_safe
@never_cache
def scene(request: HttpRequest, token: str) -> HttpResponse:
    """The page of a scene, or for the script of a page that shows it in a dialog what is within it.

    ``frame`` chooses a frame to play from. It then plays by itself, which is what was clicked for; what is for
    adults never does.
    """
    try:
        film = open_playable_film(token)
    except Exception as error:  # noqa: BLE001 - whatever is raised becomes words
        return problem_page(request, error)
    chosen = _chosen(request, film)
    anime = film.video.anime
    frames = [_frame(token, film, number) for number in range(len(film.times_ms))]
    poster = f"{reverse('scene-image', args=[sign_moment(film.moment)])}?size=l"
    page = {
        "title": reader_title(anime)
        if anime and anime.display_title
        else film.video.title or film.video.filename,
        "filename": film.video.filename,
        "episode": episode_text(film.video),
        "is_adult": bool(anime and anime.is_adult),
        "at": frames[film.own if chosen is None else chosen].at,
        "poster": poster if chosen is None else frames[chosen].picture,
        "clip": reverse("scene-clip", args=[token]) if chosen is None else frames[chosen].clip,
        "width": WIDTHS["l"],
        "height": picture_height(film.video, WIDTHS["l"]),
        "frames": frames,
        "frame_height": picture_height(film.video, WIDTHS["s"]),
        "chosen": chosen,
        "is_fragment": wants_fragment(request),
    }
    if not wants_fragment(request):
        return render(request, "anime_search/scene.html", page)
    response = render(request, "anime_search/_player.html", page)
    response[FRAGMENT_HEADER] = "scene"
    return response


@require_safe
def clip(request: HttpRequest, token: str, number: int | None = None) -> HttpResponseBase:
    """The clip of a scene, or of what comes from a frame on; those that have to be cut are counted for the caller."""
    try:
        return clip_response(request, passage_from(open_film(token), number), headers=CACHED)
    except Exception as error:  # noqa: BLE001 - the same
        return problem_page(request, error)


@require_safe
def frame(request: HttpRequest, token: str, number: int) -> HttpResponse:
    """The picture of a frame."""
    try:
        still = frame_file(open_film(token), number)
        return file_response(request, still.path, etag=still.etag, content_type="image/jpeg", headers=CACHED)
    except Exception as error:  # noqa: BLE001 - the same
        return problem_page(request, error)


def _chosen(request: HttpRequest, film: Film) -> int | None:
    """The frame that the address names; None where it names none that there is."""
    text = request.GET.get("frame", "")
    number = int(text) if _NUMBER.fullmatch(text) else len(film.times_ms)
    return number if number < len(film.times_ms) else None


def _frame(token: str, film: Film, number: int) -> Frame:
    return Frame(
        at=time_text(film.times_ms[number] / 1000),
        page=f"{reverse('scene', args=[token])}?frame={number}",
        clip=reverse("scene-clip-from", args=[token, number]),
        picture=reverse("scene-frame", args=[token, number]),
        is_own=number == film.own,
    )
