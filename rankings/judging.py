"""What whoever searched says of a match: it counts, or counts no more, and is kept to measure the search with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.db import IntegrityError, transaction

from accounts.principal import Principal, PrincipalKind
from anime_search.errors import MatchRefused
from anime_search.matches import JudgedMatch, open_match
from anime_search.models import Video
from anime_search.services import DescribedQuery, described_query
from core import clock
from rankings.callers import caller_of
from rankings.models import MatchFeedback, UnsureMatch
from rankings.services import count_scene, uncount_scene


def judge_match(*, principal: Principal, token: str, is_right: bool) -> None:
    """Take a searcher's word for a match of theirs; the last word holds.

    A right match counts in the rankings and is among the recent searches, as one that the search was sure of does;
    a wrong one is neither. One match of a search is right: another one that was is taken back. Said of the day
    of the search.

    Raises:
        MatchRefused: it is somebody else's, too old, or was never found; or two were called right at the same time.
    """
    match = open_match(principal=principal, token=token)
    query = described_query(search_id=match.search_id)
    day = clock.today(match.found_at)
    caller = caller_of(principal, day)
    try:
        with transaction.atomic():
            said = MatchFeedback.objects.filter(search_id=match.search_id)
            if is_right:
                for other in said.filter(is_right=True).exclude(position=match.position):
                    uncount_scene(caller=caller, day=day, video_id=other.video_id, at_ms=other.at_ms)
                    other.delete()
            said.update_or_create(
                search_id=match.search_id,
                position=match.position,
                defaults=_facts(match, query) | {"is_right": is_right, "judged_at": clock.now()},
            )
            # Nothing more is to be confirmed of a match that its searcher has spoken of.
            unsure = UnsureMatch.objects.filter(search_id=match.search_id)
            (unsure if is_right else unsure.filter(position=match.position)).delete()
            if match.anilist_id is not None and principal.kind is not PrincipalKind.OPERATOR:
                scene: dict[str, Any] = {
                    "caller": caller,
                    "day": day,
                    "video_id": match.video_id,
                    "at_ms": match.at_ms,
                }
                if is_right:
                    count_scene(
                        **scene,
                        anime_id=match.anilist_id,
                        similarity=match.similarity,
                        found_at=match.found_at,
                        confirmed=True,
                    )
                else:
                    uncount_scene(**scene)
    except IntegrityError:
        raise MatchRefused from None


def export_feedback(*, on_progress: Callable[[int], None] = lambda _: None) -> Iterator[dict[str, Any]]:
    """Every judgement as plain values, the oldest first; videos are named by their content.

    Args:
        on_progress: told how many were given, now and then.
    """
    rows = MatchFeedback.objects.order_by("judged_at", "pk")
    videos = dict(Video.objects.filter(pk__in=rows.values("video")).values_list("pk", "sha256"))
    for done, row in enumerate(rows.iterator(chunk_size=500), start=1):
        yield {
            "search": row.search_id,
            "position": row.position,
            "right": row.is_right,
            "judged_at": clock.as_javascript(row.judged_at),
            "video": videos.get(row.video_id),
            "anilist_id": row.anime_id,
            "at_s": row.at_ms / 1000,
            "similarity": row.similarity,
            "probability": row.probability,
            "view": row.view,
            "confident": row.confident,
            "asked_frames": row.asked_frames,
            "descriptor": row.descriptor or None,
            "vector_f16": bytes(row.vector).hex() or None,
        }
        on_progress(done)


def _facts(match: JudgedMatch, query: DescribedQuery | None) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "found_at": match.found_at,
        "anime_id": match.anilist_id,
        "video_id": match.video_id,
        "at_ms": match.at_ms,
        "similarity": match.similarity,
        "probability": match.probability,
        "view": match.view,
        "confident": match.confident,
        "asked_frames": match.asked_frames,
    }
    if query is not None:
        # Left as it is where it was kept the first time and is forgotten by now.
        facts |= {"descriptor": query.descriptor, "vector": query.vector}
    return facts
