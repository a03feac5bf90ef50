"""AniList's answers on disk, a file an id: what was asked once is not asked again while it is fresh."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from anime_search.engine.whole_file import write_whole

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """What AniList said of an id: its ``Media`` object, or None if it knows none."""

    media: dict[str, Any] | None
    fetched_at: datetime


class AnswerCache:
    """Answers below a folder, as ``<id>.json``: ``{"fetched_at": ISO 8601, "media": {…} | null}``.

    Args:
        root: the folder; made when the first answer is kept.
        max_age: answers older than this are not given.
        now: the clock.
    """

    def __init__(self, root: Path, *, max_age: timedelta, now: Callable[[], datetime]) -> None:
        self.root = root
        self._max_age = max_age
        self._now = now

    def get(self, anilist_id: int) -> CachedAnswer | None:
        """The answer, if there is a fresh and readable one."""
        try:
            kept = json.loads(self._path(anilist_id).read_bytes())
            media, fetched_at = kept["media"], datetime.fromisoformat(kept["fetched_at"])
            age = self._now() - fetched_at
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        if not timedelta(0) <= age < self._max_age:
            return None
        whole = media is None or (isinstance(media, dict) and media.get("id") == anilist_id)
        return CachedAnswer(media, fetched_at) if whole else None

    def put(self, anilist_id: int, answer: CachedAnswer) -> None:
        """Keep an answer. A disk that does not take it costs a later request, and is only logged."""
        content = json.dumps({"fetched_at": answer.fetched_at.isoformat(), "media": answer.media})
        try:
            write_whole(self._path(anilist_id), content.encode())
        except OSError as error:
            log.warning("AniList's answer for %d is not kept: %s", anilist_id, error.strerror)

    def _path(self, anilist_id: int) -> Path:
        return self.root / f"{anilist_id}.json"
