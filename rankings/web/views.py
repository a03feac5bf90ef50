"""Pages of rankings, recent searches, and titles."""

from __future__ import annotations

from typing import Final

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import number_format
from django.views.decorators.http import require_POST, require_safe

from anime_search.catalogue import totals_of, videos_of
from anime_search.errors import MatchRefused
from anime_search.models import Anime
from anime_search.titles import other_titles, reader_title
from apikeys.authentication import principal_of
from rankings.judging import judge_match
from rankings.periods import Period
from rankings.selectors import ranking_of, recent_searches, standings_of
from rankings.web.episodes import episode_rows, minutes_words
from rankings.web.requests import FRAGMENT_HEADER, read_period, wants_adult, wants_fragment
from rankings.web.rows import cover_address, search_rows, title_rows
from rankings.web.words import facts_words, period_words, span_words, standing_words

#: Titles of a ranking, recent searches, and episodes on a page.
RANKED: Final = 50
RECENT: Final = 24
EPISODES: Final = 100


@require_safe
def rankings(request: HttpRequest) -> HttpResponse:
    """The titles that are searched most."""
    period, adult = read_period(request), wants_adult(request)
    ranking = ranking_of(period=period, limit=RANKED, include_adult=adult)
    return render(
        request,
        "rankings/rankings.html",
        {
            "period": period,
            "periods": [(each.value, period_words(each)) for each in Period],
            "heading": period_words(period),
            "span": span_words(ranking.span),
            "rows": title_rows(ranking),
            "adult": adult,
        },
    )


@require_safe
def recent(request: HttpRequest) -> HttpResponse:
    """The latest searches that found their scene; the page's script asks for the list alone."""
    adult = wants_adult(request)
    searches = recent_searches(limit=RECENT, offset=0, include_adult=adult)
    facts = {"rows": search_rows(searches), "adult": adult}
    if not wants_fragment(request):
        return render(request, "rankings/recent.html", facts)
    response = render(request, "rankings/_searches.html", facts)
    response[FRAGMENT_HEADER] = "searches"
    response["Cache-Control"] = "no-store"
    return response


@require_POST
def judge(request: HttpRequest) -> HttpResponse:
    """What whoever searched says of a match, by ``match`` and ``verdict`` of a card's form."""
    verdict, status = request.POST.get("verdict", ""), 200
    if verdict not in ("right", "wrong"):
        verdict, status = "refused", 400
    else:
        try:
            judge_match(
                principal=principal_of(request),
                token=request.POST.get("match", ""),
                is_right=verdict == "right",
            )
        except MatchRefused:
            verdict, status = "refused", 410
    template = "rankings/_judged.html" if wants_fragment(request) else "rankings/judged.html"
    response = render(request, template, {"verdict": verdict}, status=status)
    response[FRAGMENT_HEADER] = "judged"
    return response


@require_safe
def anime(request: HttpRequest, anilist_id: int) -> HttpResponse:
    """A title: what is indexed of it, and how often it is found."""
    title = Anime.objects.filter(anilist_id=anilist_id).first()
    if title is None:
        raise Http404
    shown = reader_title(title)
    pages = Paginator(videos_of(title), EPISODES)
    page = pages.get_page(request.GET.get("page"))
    totals = totals_of(title)
    return render(
        request,
        "rankings/anime.html",
        {
            "anime": title,
            "title": shown,
            "others": other_titles(title, shown, most=4),
            "facts": facts_words(title),
            "cover": cover_address(title),
            "totals": totals,
            "videos": number_format(totals.videos, force_grouping=True),
            "frames": number_format(totals.frames, force_grouping=True),
            "length": minutes_words(totals.duration_ms),
            "page": page,
            "episodes": episode_rows(page.object_list),
            "standings": [standing_words(standing) for standing in standings_of(anime=title)],
        },
    )
