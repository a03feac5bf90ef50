"""``manage.py anime_search``: find pictures' scenes from the command line."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from anime_search.engine.episode import current_episode
from anime_search.runtime import IMAGE_LIMITS
from anime_search.selectors import Candidate, candidates_of, file_of, videos_of_anime
from anime_search.services import read_image, search_picture
from core.errors import DomainError


class Command(BaseCommand):
    help = (
        "Find the scene of each picture, and print one line of JSON for each. "
        "It is the operator's tool: it costs no credits and needs no worker."
    )

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
        for name, path in [*((str(path), path) for path in images), *(_rows(batch) if batch else ())]:
            line = _search(name, path, limit, videos)
            total += 1
            failed += "error" in line
            self.stdout.write(json.dumps(line, ensure_ascii=False))
        if failed:
            raise CommandError(f"{failed} of {total} pictures could not be searched")


def _rows(batch: Path) -> Iterator[tuple[str, Path]]:
    """Names and paths of a CSV file; a first row that names no file beside it is its heading."""
    try:
        with batch.open(newline="", encoding="utf-8-sig") as file:
            for number, row in enumerate(csv.reader(file)):
                if not row or not row[0].strip():
                    continue
                path = batch.parent / row[0]
                if number == 0 and not path.exists():
                    continue
                yield row[0], path
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CommandError(f"{batch} cannot be read as CSV: {error}") from error


def _search(name: str, path: Path, limit: int, videos: frozenset[str] | None) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        if path.stat().st_size > IMAGE_LIMITS.max_bytes:
            return {"image": name, "error": "The image is too large.", "candidates": []}
        picture = read_image(path.read_bytes())
        decoded = time.perf_counter()
        outcome = search_picture(rgb=picture.rgb, flat=picture.flat, limit=limit, videos=videos)
    except OSError as error:
        return {"image": name, "error": error.strerror or "cannot be read", "candidates": []}
    except DomainError as error:
        return {"image": name, "error": error.message, "candidates": []}
    searched = time.perf_counter()
    candidates = [_line(candidate) for candidate in candidates_of(outcome.scenes)]
    timings = {
        "decode": 1000 * (decoded - started),
        **outcome.timings_ms,
        "titles": 1000 * (time.perf_counter() - searched),
        "total": 1000 * (time.perf_counter() - started),
    }
    return {
        "image": name,
        "confident": outcome.confident,
        "candidates": candidates,
        "timings_ms": {stage: round(ms, 3) for stage, ms in timings.items()},
    }


def _line(candidate: Candidate) -> dict[str, Any]:
    anime, video, scene = candidate.anime, candidate.video, candidate.scene
    known = {
        language: getattr(anime, f"title_{language}", "") or None
        for language in ("native", "romaji", "english", "chinese", "korean")
    }
    return {
        "anilist_id": anime.anilist_id if anime else None,
        "titles": {"title": candidate.title, **known},
        "file": file_of(video),
        "episode": current_episode(video.parsed),
        "from": round(scene.from_s, 3),
        "at": round(scene.at_s, 3),
        "to": round(scene.to_s, 3),
        "similarity": round(scene.similarity, 6),
        "probability": round(scene.probability, 6),
        "view": scene.view,
    }
