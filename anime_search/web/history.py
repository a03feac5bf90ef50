"""The page of an account's own searches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from anime_search.models import PastSearch
from anime_search.past_searches import forget_search, forget_searches, searches_of
from anime_search.previews import WIDTHS, Moment, sign_moment
from anime_search.titles import reader_title
from anime_search.web.cards import episode_text, time_text
from apikeys.authentication import principal_of, signed_in

#: Searches on a page of the list.
PAGE_SIZE: Final = 20
#: Longest number of a row that is looked for.
_MOST_DIGITS: Final = 18


@dataclass(frozen=True, slots=True)
class PastSearchRow:
    """A search in a line.

    Attributes:
        url: of the title's page; empty where the title is not known.
        image: the scene, small; empty where not everybody wants to see it.
    """

    id: int
    title: str
    url: str
    episode: str
    at: str
    image: str
    image_height: int
    found_at: datetime
    confident: bool
    by_program: bool
    is_adult: bool


@login_required
@never_cache
@require_safe
def history(request: HttpRequest) -> HttpResponse:
    """What one searched, newest first."""
    rows = searches_of(user_id=principal_of(request).account_id)
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(
        request, "anime_search/history.html", {"page": page, "rows": [_row(search) for search in page]}
    )


@login_required
@never_cache
@require_POST
def forget(request: HttpRequest) -> HttpResponse:
    """Forget the search that the form names, or all of them."""
    principal = signed_in(request)
    if request.POST.get("all") == "yes":
        count = forget_searches(principal=principal)
        words = ngettext("%(n)d search was deleted.", "%(n)d searches were deleted.", count)
        messages.success(request, words % {"n": count})
        return redirect("account-searches")
    named = request.POST.get("search", "")
    is_number = named.isascii() and named.isdecimal() and len(named) <= _MOST_DIGITS
    if is_number and forget_search(principal=principal, search_id=int(named)):
        messages.success(request, _("The search was deleted."))
    return redirect("account-searches")


def _row(search: PastSearch) -> PastSearchRow:
    video, anime = search.video, search.video.anime
    is_adult = anime is not None and anime.is_adult
    image = reverse("scene-image", args=[sign_moment(Moment(video.pk, search.at_ms))]) + "?size=s"
    return PastSearchRow(
        id=search.pk,
        title=reader_title(anime) if anime and anime.display_title else video.title or video.filename,
        url=reverse("anime", args=[anime.anilist_id]) if anime else "",
        episode=episode_text(video),
        at=time_text(search.at_ms / 1000),
        image="" if is_adult else image,
        image_height=round(WIDTHS["s"] * video.height / video.width) if video.width else 90,
        found_at=search.found_at,
        confident=search.confident,
        by_program=search.by_program,
        is_adult=is_adult,
    )
