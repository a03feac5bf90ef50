"""The searches of an account, kept for its owner: noted, shown, exported, forgotten."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db.models import Count, QuerySet

from accounts.models import User
from accounts.principal import Principal
from anime_search.models import PastSearch
from core import clock

if TYPE_CHECKING:
    from anime_search.services import SearchAnswer

#: Searches of one account that are kept; a program makes as many in an hour.
MOST_KEPT: Final = 1000
#: Rows that are deleted at a time, so that nobody waits long for them.
_BATCH: Final = 5000


def note_search(*, principal: Principal, answer: SearchAnswer) -> None:
    """Note what an account's search came to; of guests nothing is noted, nor where ``ANIME_HISTORY_DAYS`` is 0."""
    if principal.user_id is None or not settings.ANIME_HISTORY_DAYS or not answer.candidates:
        return
    best = answer.candidates[0]
    PastSearch.objects.create(
        owner_id=principal.user_id,
        video=best.video,
        at_ms=round(best.scene.at_s * 1000),
        similarity=best.scene.similarity,
        confident=answer.confident,
        by_program=principal.key_id is not None,
        found_at=clock.now(),
    )


def searches_of(*, user_id: int) -> QuerySet[PastSearch]:
    """An account's searches, newest first."""
    rows = PastSearch.objects.filter(owner_id=user_id).select_related("video__anime")
    return rows.order_by("-found_at", "-pk")


def forget_search(*, principal: Principal, search_id: int) -> bool:
    """Forget one of the caller's searches; whether there was one of this id."""
    return bool(PastSearch.objects.filter(owner_id=principal.account_id, pk=search_id).delete()[0])


def forget_searches(*, principal: Principal) -> int:
    """Forget all of the caller's searches; how many there were."""
    return PastSearch.objects.filter(owner_id=principal.account_id).delete()[0]


def purge_history() -> int:
    """Forget searches that are older than they are kept, and of each account those beyond :data:`MOST_KEPT`.

    Returns:
        How many.
    """
    edge = clock.now() - timedelta(days=settings.ANIME_HISTORY_DAYS)
    purged = _delete(PastSearch.objects.filter(found_at__lt=edge))
    counts = PastSearch.objects.values("owner_id").annotate(kept=Count("pk")).filter(kept__gt=MOST_KEPT)
    for owner_id in list(counts.values_list("owner_id", flat=True)):
        last = searches_of(user_id=owner_id)[MOST_KEPT]
        purged += _delete(PastSearch.objects.filter(owner_id=owner_id, found_at__lte=last.found_at))
    return purged


def own_searches(user: User) -> list[dict[str, Any]]:
    """A user's searches, oldest first, for the export of one's data."""
    return [
        {
            "title": str(row.video.anime) if row.video.anime else row.video.title,
            "file": row.video.filename,
            "episode": row.video.episode,
            "at": row.at_ms / 1000,
            "similarity": row.similarity,
            "match": row.confident,
            "byProgram": row.by_program,
            "foundAt": row.found_at.isoformat(),
        }
        for row in searches_of(user_id=user.pk).reverse()
    ]


def _delete(rows: QuerySet[PastSearch]) -> int:
    gone = 0
    while ids := list(rows.values_list("pk", flat=True)[:_BATCH]):
        gone += PastSearch.objects.filter(pk__in=ids).delete()[0]
    return gone
