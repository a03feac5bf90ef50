"""Searches counted, confirmed and forgotten."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.crypto import constant_time_compare

from accounts.principal import Principal, PrincipalKind
from anime_search.models import Anime
from anime_search.selectors import Candidate
from anime_search.services import SearchAnswer
from core import clock
from rankings.callers import caller_of
from rankings.errors import MatchUnknown
from rankings.models import SEARCH_ID_LENGTH, SearchEvent, UnsureMatch
from rankings.tallies import add_to_tallies, take_from_tallies

#: Length of a bucket of time in a video: a caller's moments within half of it are one scene.
BUCKET_MS: Final = 20_000
#: How long whoever searched may confirm a match: as long as the pictures beside it can be seen.
CONFIRM_WITHIN: Final = timedelta(hours=24)
#: Days, today among them, whose searches are kept one by one; the sums over them are kept for good.
KEPT_DAYS: Final = 8
#: Rows that are deleted at a time, so that nobody waits long for them.
PURGE_BATCH: Final = 5000

#: What a match that is confirmed hands on to the search that counts.
_FACTS: Final = ("caller", "day", "anime_id", "video_id", "at_ms", "similarity", "found_at")
_SEARCH_ID: Final = re.compile(rf"[0-9A-Za-z_-]{{1,{SEARCH_ID_LENGTH}}}")


def record_search(*, principal: Principal, answer: SearchAnswer) -> bool:
    """Count a search whose match is sure; keep the candidates of any other for a day, to be confirmed.

    What has no title is not counted, and neither is what operators search at the command line.

    Returns:
        Whether it was counted: a caller's scene counts once a day.
    """
    if principal.kind is PrincipalKind.OPERATOR:
        return False
    found_at = clock.now()
    day = clock.today(found_at)
    caller = caller_of(principal, day)
    titled = [
        (position, _facts(candidate, candidate.anime) | {"caller": caller, "day": day, "found_at": found_at})
        for position, candidate in enumerate(answer.candidates)
        if candidate.anime is not None
    ]
    if answer.confident:
        best = dict(titled).get(0)
        return best is not None and count_scene(**best, confirmed=False)
    UnsureMatch.objects.bulk_create(
        UnsureMatch(search_id=answer.search_id, position=position, **facts) for position, facts in titled
    )
    return False


def confirm_match(*, principal: Principal, search_id: str, position: int = 0) -> bool:
    """Count a match that the search was not sure of, on the word of whoever searched; one of a search's.

    It counts on the day of the search, not of the word.

    Args:
        search_id: of the answer.
        position: of the candidate in it, from 0.

    Returns:
        Whether it was counted: a caller's scene counts once a day.

    Raises:
        MatchUnknown: it was confirmed already, too long ago, somebody else's, or never there.
    """
    if not _SEARCH_ID.fullmatch(search_id):
        raise MatchUnknown
    with transaction.atomic():
        match = UnsureMatch.objects.filter(
            search_id=search_id, position=position, found_at__gt=clock.now() - CONFIRM_WITHIN
        ).first()
        if match is None or not constant_time_compare(match.caller, caller_of(principal, match.day)):
            raise MatchUnknown
        # Of several who say so at the same time, one takes the candidates away.
        if not UnsureMatch.objects.filter(search_id=search_id).delete()[0]:
            raise MatchUnknown
        return count_scene(**{name: getattr(match, name) for name in _FACTS}, confirmed=True)


def first_kept_day(today: date) -> date:
    """The first day whose searches are all kept still."""
    return today - timedelta(days=KEPT_DAYS - 1)


def purge_searches() -> int:
    """Forget the searches of days that are over for long, and matches that nobody confirmed; how many.

    The sums over them stay.
    """
    now = clock.now()
    old_events = SearchEvent.objects.filter(day__lt=first_kept_day(clock.today(now)))
    old_matches = UnsureMatch.objects.filter(found_at__lte=now - CONFIRM_WITHIN)
    purged = 0
    while ids := list(old_events.values_list("pk", flat=True)[:PURGE_BATCH]):
        purged += SearchEvent.objects.filter(pk__in=ids).delete()[0]
    while matches := list(old_matches.values_list("pk", flat=True)[:PURGE_BATCH]):
        purged += UnsureMatch.objects.filter(pk__in=matches).delete()[0]
    return purged


def _facts(candidate: Candidate, anime: Anime) -> dict[str, Any]:
    return {
        "anime_id": anime.anilist_id,
        "video_id": candidate.video.pk,
        "at_ms": round(candidate.scene.at_s * 1000),
        "similarity": candidate.scene.similarity,
    }


def count_scene(*, confirmed: bool, **facts: Any) -> bool:
    """Count a search of a scene in its day, unless it was counted; whether it was not.

    Args:
        confirmed: by whoever searched; this is noted of one that was counted, too.
        facts: fields of :class:`~rankings.models.FoundScene`.
    """
    event = SearchEvent(**facts, **_buckets(facts["at_ms"]), confirmed=confirmed)
    with transaction.atomic():
        SearchEvent.objects.bulk_create([event], ignore_conflicts=True)
        # Whether the row went in or met one that was there, only its own id, made for this call, can tell.
        if not SearchEvent.objects.filter(pk=event.pk).exists():
            if confirmed:
                _same_scene(**facts).update(confirmed=True)
            return False
        add_to_tallies(anilist_id=event.anime_id, day=event.day)
    return True


def uncount_scene(*, caller: str, day: date, video_id: int, at_ms: int) -> bool:
    """Take back that a caller's scene was counted in a day; whether it was."""
    with transaction.atomic():
        event = (
            _same_scene(caller=caller, day=day, video_id=video_id, at_ms=at_ms).select_for_update().first()
        )
        if event is None:
            return False
        event.delete()
        take_from_tallies(anilist_id=event.anime_id, day=event.day)
    return True


def _same_scene(*, caller: str, day: date, video_id: int, at_ms: int, **_: object) -> QuerySet[SearchEvent]:
    buckets = _buckets(at_ms)
    near = Q(bucket=buckets["bucket"]) | Q(shifted_bucket=buckets["shifted_bucket"])
    return SearchEvent.objects.filter(near, caller=caller, day=day, video_id=video_id)


def _buckets(at_ms: int) -> dict[str, int]:
    return {"bucket": at_ms // BUCKET_MS, "shifted_bucket": (at_ms + BUCKET_MS // 2) // BUCKET_MS}
