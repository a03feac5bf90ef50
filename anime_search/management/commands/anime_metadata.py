"""``manage.py anime_metadata``: titles, seasons and covers from AniList or from offline files."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from anime_search.metadata.anilist import BATCH, DEFAULT_RATE_PER_MINUTE, MAX_RATE_PER_MINUTE, AniListClient
from anime_search.metadata.cache import AnswerCache
from anime_search.metadata.facts import MAX_ID
from anime_search.metadata.services import (
    Applied,
    cached_among,
    fetch_metadata,
    import_titles,
    missing_ids,
    outdated_ids,
    without_known,
)
from core import clock
from core.commands import OperatorCommand

#: How long an answer of AniList is used again.
CACHE_AGE: Final = timedelta(days=30)
_MAX_DAYS: Final = 3650.0


class Command(OperatorCommand):
    """Fills titles in; stopped or killed at any point, the next run goes on where this one was."""

    help = "Fetch titles' metadata from AniList, or import it from offline files."
    writes = True
    #: The clock and the pauses between requests.
    now: Callable[[], datetime] = staticmethod(clock.now)
    sleep: Callable[[float], object] = staticmethod(time.sleep)

    def add_options(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--ids", type=_ids, metavar="1,2,3", help="ask AniList for these, known or not")
        which.add_argument(
            "--missing",
            action="store_true",
            help="ask AniList for every title without metadata (what is done unless told otherwise; "
            "beside --from-json only if given)",
        )
        which.add_argument(
            "--all-ids-from-json",
            action="store_true",
            help="ask AniList for what the files name and it was not asked",
        )
        parser.add_argument(
            "--refresh-older-than",
            type=_days,
            metavar="DAYS",
            help="ask again for what was asked for so long ago; --ids and --all-ids-from-json narrow it",
        )
        parser.add_argument(
            "--from-json",
            nargs="+",
            action="extend",
            type=Path,
            metavar="FILE",
            default=[],
            help="import these files",
        )
        parser.add_argument(
            "--create",
            action=argparse.BooleanOptionalAction,
            default=True,
            help="make rows for titles in the files that have none yet",
        )
        parser.add_argument(
            "--existing-only", dest="create", action="store_false", help="the same as --no-create"
        )
        parser.add_argument(
            "--rate",
            type=_rate,
            metavar="PER_MINUTE",
            default=DEFAULT_RATE_PER_MINUTE,
            help=f"requests a minute, 1 to {MAX_RATE_PER_MINUTE} (default {DEFAULT_RATE_PER_MINUTE})",
        )

    def run(self, **options: Any) -> dict[str, Any]:
        if options["all_ids_from_json"] and not options["from_json"]:
            raise CommandError("--all-ids-from-json needs --from-json")
        summary: dict[str, Any] = {"dry_run": True} if options["dry_run"] else {}
        applied = Applied()
        ids_of_files: list[int] = []
        if options["from_json"]:
            summary |= self._import(options, applied, ids_of_files)
        asks = options["missing"] or options["all_ids_from_json"] or options["refresh_older_than"] is not None
        if asks or options["ids"] or not options["from_json"]:
            summary |= self._fetch(options, applied, self._ids_to_ask(options, ids_of_files))
        return summary | {
            "created": applied.created,
            "updated": applied.updated,
            "unchanged": applied.unchanged,
            "skipped": applied.skipped,
        }

    def _import(self, options: dict[str, Any], applied: Applied, ids: list[int]) -> dict[str, Any]:
        counts = Counter({"rows": 0, "without_anilist_id": 0, "without_title": 0, "malformed": 0})
        formats: Counter[str] = Counter()
        with self.progress("files") as bar:
            task = bar.add_task("Importing", total=len(options["from_json"]))
            for path in options["from_json"]:
                imported = import_titles(path=path, create=options["create"], dry_run=options["dry_run"])
                bar.advance(task)
                applied.add(imported.applied)
                file = imported.file
                ids.extend(fact.anilist_id for fact in file.facts)
                formats.update(file.formats)
                counts["rows"] += file.rows
                counts["without_anilist_id"] += file.without_id
                counts["without_title"] += file.without_title
                counts["malformed"] += file.malformed
                for problem in file.problems:
                    self.say(f"{path.name}: {problem}")
        return {
            "files": len(options["from_json"]),
            **counts,
            "formats": [f"{name}: {count}" for name, count in formats.most_common()],
        }

    def _ids_to_ask(self, options: dict[str, Any], ids_of_files: list[int]) -> list[int]:
        days = options["refresh_older_than"]
        before = None if days is None else self.now() - timedelta(days=days)
        if options["all_ids_from_json"]:
            return without_known(ids=ids_of_files, since=before)
        if options["ids"]:
            given: list[int] = options["ids"]
            return given if before is None else without_known(ids=given, since=before)
        return missing_ids() if before is None else outdated_ids(before=before)

    def _fetch(self, options: dict[str, Any], applied: Applied, ids: list[int]) -> dict[str, Any]:
        days = options["refresh_older_than"]
        max_age = CACHE_AGE if days is None else min(CACHE_AGE, timedelta(days=days))
        cache = AnswerCache(Path(settings.DATA_DIR) / "cache" / "anilist", max_age=max_age, now=self.now)
        if options["dry_run"]:
            cached = cached_among(ids=ids, cache=cache)
            return {"asked_for": len(ids), "from_cache": cached, "requests": -(-(len(ids) - cached) // BATCH)}
        with self._client(options["rate"]) as client, self.progress("titles") as bar:
            task = bar.add_task("AniList", total=len(ids))
            named = bool(options["ids"] or (options["all_ids_from_json"] and options["create"]))
            result = fetch_metadata(
                ids=ids,
                client=client,
                cache=cache,
                create=named,
                on_progress=lambda done: bar.advance(task, done),
            )
        applied.add(result.applied)
        done = result.found + result.unknown
        if result.stopped is not None:
            raise CommandError(
                f"{result.stopped.message} {done} of {len(ids)} titles are done; run it again later to go on."
            ) from result.stopped
        return {
            "asked_for": len(ids),
            "from_cache": result.from_cache,
            "requests": client.requests,
            "found": result.found,
            "unknown_to_anilist": result.unknown,
        }

    def _client(self, rate: int) -> AniListClient:
        agent = f"Frameproof (anime_metadata) httpx/{httpx.__version__}"
        if settings.SITE_URL and settings.SITE_URL.isascii():
            agent += f" (+{settings.SITE_URL})"
        return AniListClient(
            settings.ANILIST_URL, user_agent=agent, rate_per_minute=rate, now=self.now, sleep=self.sleep
        )


def _ids(value: str) -> list[int]:
    ids = [_whole(part, 1, MAX_ID, "an AniList id") for part in value.split(",") if part.strip()]
    if not ids:
        raise argparse.ArgumentTypeError("no id is given")
    return ids


def _rate(value: str) -> int:
    return _whole(value, 1, MAX_RATE_PER_MINUTE, "a rate")


def _days(value: str) -> float:
    try:
        days = float(value)
    except ValueError:
        days = -1.0
    if not 0 <= days <= _MAX_DAYS:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number of days from 0 to {_MAX_DAYS:.0f}")
    return days


def _whole(value: str, least: int, most: int, noun: str) -> int:
    digits = value.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 10 and least <= int(digits) <= most):
        raise argparse.ArgumentTypeError(f"{value!r} is not {noun} ({least} to {most})")
    return int(digits)
