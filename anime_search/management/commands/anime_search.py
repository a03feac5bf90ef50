"""``manage.py anime_search``: find the scenes of pictures and clips from the command line."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from anime_search.checks import Tags
from anime_search.clip_search import ClipOutcome, agreeing_frames, find_clip
from anime_search.engine.episode import current_episode
from anime_search.engine.search import SearchOutcome
from anime_search.errors import ImageTooLarge
from anime_search.runtime import IMAGE_LIMITS
from anime_search.selectors import Candidate, candidates_of, file_of, videos_of_anime
from anime_search.services import read_image, search_picture
from anime_search.shots import in_shots
from anime_search.uploads import moving_of
from core.commands import STOPPED
from core.errors import DomainError


class _Unreadable(DomainError):
    """There is no such file, or it is not ours to read."""

    code = "FILE_UNREADABLE"
    default_message = "cannot be read"


class Command(BaseCommand):
    help = (
        "Find the scene of each picture, animation or short video, and print one line of JSON for each. "
        "It is the operator's tool: it costs no credits and needs no worker."
    )
    requires_system_checks = (Tags.index,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("images", nargs="*", type=Path, metavar="IMAGE")
        parser.add_argument(
            "--batch", type=Path, metavar="FILE.csv", help="paths in the first column, relative to the file"
        )
        parser.add_argument("--filter", type=int, metavar="ANILIST_ID", help="look in this anime only")
        parser.add_argument("--limit", type=int, default=5, help="candidates a picture (5)")
        parser.add_argument("--json", action="store_true", help="one line of JSON a picture (always so)")

    def handle(self, *args: Any, images: list[Path], batch: Path | None, limit: int, **options: Any) -> None:
        if not images and batch is None:
            raise CommandError("name an image, or a --batch file")
        if limit < 1:
            raise CommandError("--limit must be at least 1")
        anilist_id: int | None = options["filter"]
        videos = None if anilist_id is None else videos_of_anime(anilist_id=anilist_id)
        failed = total = 0
        pictures = [(str(path), path) for path in images] + (_rows(batch) if batch else [])
        try:
            for name, path in pictures:
                line = _search(name, path, limit, videos)
                total += 1
                failed += "error" in line
                self.stdout.write(json.dumps(line, ensure_ascii=False))
                self.stdout.flush()
        except KeyboardInterrupt:
            raise CommandError(f"stopped after {total} of {len(pictures)}", returncode=STOPPED) from None
        if failed:
            raise CommandError(f"{failed} of {total} pictures could not be searched")


def _rows(batch: Path) -> list[tuple[str, Path]]:
    """Names and paths in a CSV file; a first row whose name has no suffix, and is no file, is its heading."""
    try:
        with batch.open(newline="", encoding="utf-8-sig") as file:
            rows = [row[0] for row in csv.reader(file) if row and row[0].strip()]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CommandError(f"{batch} cannot be read as CSV: {error}") from error
    if rows and not Path(rows[0]).suffix and not (batch.parent / rows[0]).is_file():
        del rows[0]
    return [(row, batch.parent / row) for row in rows]


def _search(name: str, path: Path, limit: int, videos: frozenset[str] | None) -> dict[str, Any]:
    """The line of one picture or clip; one that cannot be searched has an ``error`` beside empty results."""
    started = time.perf_counter()
    timings: dict[str, float] = {}
    line: dict[str, Any] = {"image": _shown(name), "confident": False, "candidates": []}
    try:
        media = _bytes_of(path)
        clip = moving_of(media)
        outcome: SearchOutcome | ClipOutcome
        if clip is None:
            picture = read_image(media)
            timings["decode"] = time.perf_counter() - started
            outcome = search_picture(rgb=picture.rgb, flat=picture.flat, limit=limit, videos=videos)
        else:
            timings["decode"] = time.perf_counter() - started
            outcome = find_clip(clip, limit=limit, videos=videos)
            agreeing = [agreeing_frames(scene) for scene in outcome.scenes[:1]]
            line["frames"] = {"asked": outcome.asked, "agreeing": sum(agreeing)}
        timings |= {stage: ms / 1000 for stage, ms in outcome.timings_ms.items()}
        searched = time.perf_counter()
        line["confident"] = outcome.confident
        candidates = candidates_of(outcome.scenes)
        if isinstance(outcome, SearchOutcome):
            candidates = in_shots(candidates)
        line["candidates"] = [_candidate(candidate) for candidate in candidates]
        timings["titles"] = time.perf_counter() - searched
    except DomainError as error:
        line["error"] = error.message
    timings["total"] = time.perf_counter() - started
    return line | {"timings_ms": {stage: round(1000 * seconds, 3) for stage, seconds in timings.items()}}


def _bytes_of(path: Path) -> bytes:
    try:
        if path.stat().st_size > IMAGE_LIMITS.max_bytes:
            raise ImageTooLarge
        return path.read_bytes()
    except OSError as error:
        raise _Unreadable(error.strerror or "") from error
    except ValueError as error:  # a NUL in a CSV file's cell
        raise _Unreadable from error


def _shown(name: str) -> str:
    """A name with bytes that are not UTF-8 spelled out: JSON cannot carry them."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _candidate(candidate: Candidate) -> dict[str, Any]:
    anime, video, scene = candidate.anime, candidate.video, candidate.scene
    titles = {
        language: getattr(anime, f"title_{language}", "") or None
        for language in ("native", "romaji", "english", "chinese", "korean")
    }
    return {
        "anilist_id": anime.anilist_id if anime else None,
        "titles": {"title": candidate.title, **titles},
        "file": file_of(video),
        "episode": current_episode(video.parsed),
        "from": round(scene.from_s, 3),
        "at": round(scene.at_s, 3),
        "to": round(scene.to_s, 3),
        "similarity": round(scene.similarity, 6),
        "probability": round(scene.probability, 6),
        "view": scene.view,
        "also": [
            {
                "file": file_of(other.video),
                "episode": current_episode(other.video.parsed),
                "at": round(other.place.at_s, 3),
            }
            for other in candidate.also
        ],
    }
