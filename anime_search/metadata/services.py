"""Titles and their metadata: rows by AniList id, filled from AniList's answers or from files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from anime_search.metadata.anilist import AniListClient, AniListUnavailable
from anime_search.metadata.cache import AnswerCache, CachedAnswer
from anime_search.metadata.facts import MAX_ID, TitleFacts, facts_of_media
from anime_search.metadata.importing import TitleFile, read_title_file
from anime_search.models import Anime, Video
from core import clock

#: Rows read, compared and written in one transaction.
_CHUNK: Final = 500


@dataclass(slots=True)
class Applied:
    """What became of facts: rows made, changed and left as they were, and facts without a row to go to."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0

    def add(self, other: Applied) -> None:
        """Count another's rows too."""
        self.created += other.created
        self.updated += other.updated
        self.unchanged += other.unchanged
        self.skipped += other.skipped


@dataclass(slots=True)
class Imported:
    """What a file says, and what became of it."""

    file: TitleFile
    applied: Applied


@dataclass(slots=True)
class Fetched:
    """What asking AniList came to.

    Attributes:
        from_cache: answers that were on disk already.
        found: ids with metadata, now saved.
        unknown: ids that AniList does not know, now marked.
        stopped: why it ended early; None if it did not.
    """

    from_cache: int = 0
    found: int = 0
    unknown: int = 0
    applied: Applied = field(default_factory=Applied)
    stopped: AniListUnavailable | None = None


def anime_for_id(*, anilist_id: int) -> Anime:
    """The title with this id; one that nobody named before is made, empty. Safe to call in parallel.

    Raises:
        ValueError: AniList has no such numbers.
    """
    if not 1 <= anilist_id <= MAX_ID:
        raise ValueError(f"{anilist_id} is not an AniList id")
    return Anime.objects.get_or_create(anilist_id=anilist_id)[0]


def missing_ids() -> list[int]:
    """Ids of titles that AniList was not asked for yet, those with videos first."""
    return _by_urgency(Anime.objects.filter(metadata_at=None, metadata_missing=False))


def outdated_ids(*, before: datetime) -> list[int]:
    """Ids of titles that AniList was asked for at this time or earlier, or never, those with videos first."""
    return _by_urgency(Anime.objects.filter(Q(metadata_at=None) | Q(metadata_at__lte=before)))


def without_known(*, ids: Iterable[int], since: datetime | None = None) -> list[int]:
    """The ids less those that AniList was asked for, ever or after ``since``; ids need no row."""
    asked = Anime.objects.exclude(metadata_at=None)
    if since is not None:
        asked = asked.filter(metadata_at__gt=since)
    known = set(asked.values_list("anilist_id", flat=True))
    return [anilist_id for anilist_id in dict.fromkeys(ids) if anilist_id not in known]


def apply_media(
    *, media: Iterable[Mapping[str, Any]], fetched_at: datetime | None = None, create: bool = True
) -> Applied:
    """Fill titles from AniList ``Media`` objects; what is no anime is passed over.

    Args:
        fetched_at: when AniList said so; None for a copy of unknown age, which does not renew
            ``metadata_at`` where it is set already.
    """
    facts = (facts_of_media(item, fetched_at=fetched_at) for item in media)
    return apply_facts(facts=filter(None, facts), create=create)


def apply_facts(*, facts: Iterable[TitleFacts], create: bool, dry_run: bool = False) -> Applied:
    """Write what sources say into the rows; only rows that change are written, 500 in a transaction.

    A field is never emptied. Facts of the same id are applied in their order.

    Args:
        create: make rows for ids that have none; else such facts are skipped.
        dry_run: only count.
    """
    by_id: dict[int, list[TitleFacts]] = {}
    for fact in facts:
        by_id.setdefault(fact.anilist_id, []).append(fact)
    applied = Applied()
    # Every writer takes rows in the order of their ids, so that two imports cannot wait for each other.
    for ids in _chunks(sorted(by_id)):
        applied.add(_apply_chunk({anilist_id: by_id[anilist_id] for anilist_id in ids}, create, dry_run))
    return applied


def mark_unknown(*, anilist_ids: Iterable[int], asked_at: datetime) -> None:
    """Note that AniList has no such anime, so that it is not asked again at each run. Known titles stay."""
    for ids in _chunks(sorted(anilist_ids)):
        Anime.objects.filter(anilist_id__in=ids).update(metadata_missing=True, metadata_at=asked_at)


def import_titles(*, path: Path, create: bool, dry_run: bool = False) -> Imported:
    """Fill titles from an offline file (see :mod:`anime_search.metadata.importing`).

    Raises:
        TitleFileError: no file, not JSON, or not one row of a known shape.
    """
    file = read_title_file(path)
    return Imported(file, apply_facts(facts=file.facts, create=create, dry_run=dry_run))


def cached_among(*, ids: Iterable[int], cache: AnswerCache) -> int:
    """How many of the ids have a fresh answer on disk."""
    return sum(cache.get(anilist_id) is not None for anilist_id in ids)


def fetch_metadata(
    *,
    ids: Sequence[int],
    client: AniListClient,
    cache: AnswerCache,
    create: bool = False,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Fetched:
    """Fill titles from AniList: from the cache what is there, the rest over the network, saved as it comes.

    Ends early, with what it has saved and :attr:`Fetched.stopped` set, if AniList cannot be asked on.

    Args:
        create: make rows for ids that have none and that AniList knows.
        on_progress: told how many ids were done since it was last told.
    """
    result = Fetched()
    to_ask: list[int] = []
    for chunk in _chunks(dict.fromkeys(ids)):
        cached = {anilist_id: kept for anilist_id in chunk if (kept := cache.get(anilist_id))}
        _save(result, cached, create)
        result.from_cache += len(cached)
        on_progress(len(cached))
        to_ask += [anilist_id for anilist_id in chunk if anilist_id not in cached]
    try:
        for answer in client.answers(to_ask):
            told = {
                anilist_id: CachedAnswer(media, answer.fetched_at)
                for anilist_id, media in answer.found.items()
            }
            told |= {anilist_id: CachedAnswer(None, answer.fetched_at) for anilist_id in answer.unknown}
            for anilist_id, new in told.items():
                cache.put(anilist_id, new)
            _save(result, told, create)
            on_progress(len(told))
    except AniListUnavailable as error:
        result.stopped = error
    return result


def _save(result: Fetched, answers: Mapping[int, CachedAnswer], create: bool) -> None:
    facts: list[TitleFacts] = []
    unknown: dict[datetime, list[int]] = {}
    for anilist_id, answer in answers.items():
        said = facts_of_media(answer.media, fetched_at=answer.fetched_at) if answer.media else None
        if said is None:
            unknown.setdefault(answer.fetched_at, []).append(anilist_id)
        else:
            facts.append(said)
    for asked_at, anilist_ids in unknown.items():
        mark_unknown(anilist_ids=anilist_ids, asked_at=asked_at)
        result.unknown += len(anilist_ids)
    result.applied.add(apply_facts(facts=facts, create=create))
    result.found += len(facts)


def _apply_chunk(by_id: Mapping[int, Sequence[TitleFacts]], create: bool, dry_run: bool) -> Applied:
    applied = Applied()
    guard: AbstractContextManager[None] = nullcontext() if dry_run else transaction.atomic()
    with guard:
        kept = Anime.objects.filter(anilist_id__in=list(by_id)).order_by("anilist_id")
        rows = {row.anilist_id: row for row in (kept if dry_run else kept.select_for_update())}
        to_write: list[Anime] = []
        fields: set[str] = set()
        for anilist_id, facts in by_id.items():
            known = rows.get(anilist_id)
            row = known or Anime(anilist_id=anilist_id)
            changed = {name for fact in facts for name in _apply(row, fact)}
            if known is None and not (create and changed):
                applied.skipped += 1
            elif not changed:
                applied.unchanged += 1
            else:
                applied.created += known is None
                applied.updated += known is not None
                to_write.append(row)
                fields |= changed
        if to_write and not dry_run:
            # A row that came into being meanwhile is updated: the conflict clause closes the race.
            Anime.objects.bulk_create(
                to_write, update_conflicts=True, unique_fields=["anilist_id"], update_fields=sorted(fields)
            )
    return applied


def _apply(row: Anime, facts: TitleFacts) -> set[str]:
    """Set what the facts say on the row, unsaved, and return the names of the fields that changed."""
    said: dict[str, object] = dict(facts.values)
    if facts.fills_gaps:
        said = {name: value for name, value in said.items() if getattr(row, name) in (None, "", [])}
    if facts.fetched_at is not None or (facts.complete and row.metadata_at is None):
        said["metadata_at"] = facts.fetched_at or clock.now()
    if facts.fetched_at is not None or facts.complete:
        said["metadata_missing"] = False
    changed = {name for name, value in said.items() if getattr(row, name) != value}
    for name in changed:
        setattr(row, name, said[name])
    return changed


def _by_urgency(titles: QuerySet[Anime]) -> list[int]:
    with_video = Exists(Video.objects.filter(anime=OuterRef("pk")))
    ordered = titles.annotate(with_video=with_video).order_by("-with_video", "anilist_id")
    return list(ordered.values_list("anilist_id", flat=True))


def _chunks(ids: Iterable[int]) -> Iterator[list[int]]:
    left = iter(ids)
    while chunk := list(islice(left, _CHUNK)):
        yield chunk
