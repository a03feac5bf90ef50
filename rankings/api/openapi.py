"""What rankings and recent searches take and answer, for the OpenAPI document."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_noop as _

from anime_search.api.whatanime.openapi import EPISODE
from core.openapi import (
    Answer,
    Operation,
    Sample,
    Schema,
    flag,
    in_header,
    in_query,
    list_of,
    number,
    or_null,
    record,
    ref,
    text,
    whole,
)
from rankings.api.requests import FARTHEST, MOST, RANKED, RECENT
from rankings.errors import ParameterInvalid
from rankings.periods import Period

_TITLE: Final[dict[str, Schema]] = {
    "anilistId": whole(_("The title's number at AniList.")),
    "malId": or_null(whole(_("The title's number at MyAnimeList."))),
    "title": text(_("The title as it is shown.")),
    "titles": ref("SceneTitles"),
    "isAdult": flag(_("Whether the title is for adults.")),
    "cover": or_null(text(_("Address of the title's cover."), format="uri")),
    "format": or_null(text(_("What it is at AniList: TV, MOVIE, OVA…"))),
    "season": or_null(text(_("The season of the year it began in, as AniList has it."))),
    "year": or_null(whole(_("The year it began in."))),
    "link": text(_("The title's page at AniList."), format="uri"),
}
SCHEMAS: Final[dict[str, Schema]] = {
    "RankedTitle": record(
        {
            "rank": whole(_("Place, from 1; equals share one.")),
            "previousRank": or_null(whole(_("Place in the period before; null where it had none."))),
            "count": whole(_("How often it was found.")),
            **_TITLE,
        }
    ),
    "Ranking": record(
        {
            "period": text(enum=list(Period.values)),
            "firstDay": or_null(text(_("First day of the period (UTC)."), format="date")),
            "lastDay": or_null(text(_("Last day of the period (UTC)."), format="date")),
            "rankings": list_of(ref("RankedTitle")),
        }
    ),
    "RecentSearch": record(
        {
            **_TITLE,
            "episode": EPISODE,
            "at": number(_("The moment that was found, in seconds.")),
            "similarity": number(_("How alike the pictures are, 0 to 1.")),
            "searchedAt": text(_("When, rounded down to ten minutes."), format="date-time"),
            "image": text(_("Address of the scene's picture; it works for a day."), format="uri"),
        }
    ),
    "RecentSearches": record(
        {"limit": whole(), "offset": whole(), "searches": list_of(ref("RecentSearch"), _("Newest first."))}
    ),
}

_ADULT: Final = in_query(
    "includeAdult", flag(default=False), _("Whether titles for adults are among them: true or false.")
)
_KNOWN: Final = in_header(
    "If-None-Match",
    text(),
    _("The ETag of an earlier answer: where nothing has changed, the answer is 304 and empty."),
)
_EXAMPLE: Final = {
    "anilistId": 98444,
    "malId": 34798,
    "title": "Laid-Back Camp",
    "titles": {
        "native": "ゆるキャン△", "romaji": "Yuru Camp△", "english": "Laid-Back Camp",
        "chinese": "搖曳露營", "korean": "유루캠△",
    },
    "isAdult": False,
    "cover": "https://s4.anilist.co/file/anilistcdn/media/anime/cover/large/bx98444.jpg",
    "format": "TV",
    "season": "WINTER",
    "year": 2018,
    "link": "https://anilist.co/anime/98444",
}  # fmt: skip

OPERATIONS: Final = (
    Operation(
        method="get",
        path="/api/anime/rankings",
        name="getRankings",
        summary=_("Titles that are searched most"),
        parameters=(
            in_query(
                "period",
                text(enum=list(Period.values), default="all"),
                _("The current day, week, month or year (UTC), or all time."),
            ),
            in_query("limit", whole(minimum=1, maximum=MOST, default=RANKED), _("Entries at most.")),
            _ADULT,
            _KNOWN,
        ),
        answers={
            200: Answer(
                _("The ranking; it may be used again for a minute without asking."),
                ref("Ranking"),
                {
                    "period": "daily",
                    "firstDay": "2026-01-01",
                    "lastDay": "2026-01-01",
                    "rankings": [{"rank": 1, "previousRank": 3, "count": 128, **_EXAMPLE}],
                },
            ),
            304: Answer(_("Nothing has changed."), media_type=""),
        },
        errors=(ParameterInvalid,),
        sample=Sample(query={"period": "daily", "limit": "10"}),
    ),
    Operation(
        method="get",
        path="/api/anime/recent-searches",
        name="getRecentSearches",
        summary=_("Scenes that were found lately"),
        description=_("Confirmed searches of everybody. It does not say who searched."),
        parameters=(
            in_query("limit", whole(minimum=1, maximum=MOST, default=RECENT), _("Entries at most.")),
            in_query(
                "offset", whole(minimum=0, maximum=FARTHEST, default=0), _("Entries that are passed over.")
            ),
            _ADULT,
            _KNOWN,
        ),
        answers={
            200: Answer(
                _("The searches, newest first."),
                ref("RecentSearches"),
                {
                    "limit": 5,
                    "offset": 0,
                    "searches": [
                        {
                            **_EXAMPLE,
                            "episode": 5,
                            "at": 665.08,
                            "similarity": 0.9563,
                            "searchedAt": "2026-01-01T12:30:00Z",
                            "image": "http://127.0.0.1:8000/image/AbCdEf",
                        }
                    ],
                },
            ),
            304: Answer(_("Nothing has changed."), media_type=""),
        },
        errors=(ParameterInvalid,),
        sample=Sample(query={"limit": "5"}),
    ),
)
