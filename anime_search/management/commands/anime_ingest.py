"""``manage.py anime_ingest``: make videos searchable."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from kombu.exceptions import OperationalError

from anime_search import indexing
from anime_search.checks import Tags
from anime_search.engine.episode import parse_path
from anime_search.errors import IngestFailed
from anime_search.ingest.crew import Crew
from anime_search.ingest.discovery import FoundFile, UnusablePath, find_files
from anime_search.ingest.intake import sort_files
from anime_search.ingest.jobs import recover_jobs
from anime_search.ingest.runs import MOST_WALKS, IngestRun
from core.commands import STOPPED, OperatorCommand

MOST_WORKERS = 256


class Command(OperatorCommand):
    help = (
        "Index videos: files, or folders laid out as {anilist_id}/file.ext or in any other way. "
        "What is indexed already is skipped, by content; a run that was stopped goes on where it was."
    )
    writes = True
    requires_system_checks = (Tags.index,)

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files and folders")
        parser.add_argument(
            "--workers", type=_workers, default=settings.INGEST_WORKERS, help="files decoded at a time"
        )
        parser.add_argument("--watch", action="store_true", help="stay, and index what is added or replaced")
        parser.add_argument("--retry", action="store_true", help="try files again that were broken before")

    def run(
        self, *, paths: list[Path], workers: int, watch: bool, retry: bool, dry_run: bool, **_: Any
    ) -> dict[str, Any]:
        if missing := [str(path) for path in paths if not os.path.lexists(path)]:
            raise CommandError(f"no such file or folder: {', '.join(missing)}")
        if dry_run:
            return self._preview(paths, retry=retry)
        if settings.EMBEDDED:
            _check_writable(settings.DATA_DIR)
            settings.INGEST_WORKERS = workers
        elif workers != settings.INGEST_WORKERS:
            self.say("--workers has no effect here: the Celery workers of the queue 'ingest' do the work")
        started, stopped = time.monotonic(), False
        crew = Crew(workers)
        run = IngestRun(paths, crew.send, crew.publish_soon, crew.recover, retry=retry)
        try:
            with crew:
                recover_jobs()
                stopped = self._index_and_watch(run, crew) if watch else self._index(run, crew)
        except KeyboardInterrupt:
            stopped = True
        except OperationalError as error:
            raise CommandError(f"the broker at REDIS_URL cannot be reached: {error}") from error
        summary = _summary(run, time.monotonic() - started)
        if stopped:
            raise IngestFailed("stopped; run it again to go on", summary=summary, returncode=STOPPED)
        if summary["failed"]:
            raise IngestFailed(f"{summary['failed']} of the files could not be indexed", summary=summary)
        return summary

    def _index(self, run: IngestRun, crew: Crew) -> bool:
        """Index what is there. Files that come or change meanwhile are found by walking again."""
        for _walk in range(MOST_WALKS):
            self.say("looking for videos")
            if not run.walk() and indexing.is_published():
                break
            self._follow(run, crew)
        return False

    def _index_and_watch(self, run: IngestRun, crew: Crew) -> bool:
        """Index what is there and what comes, until Ctrl-C; True if that cut work short."""
        from anime_search.ingest.watching import FolderWatch

        try:
            with FolderWatch(run.paths) as folders:
                while True:
                    self._index(run, crew)
                    self.say("watching for new files; stop with Ctrl-C")
                    folders.wait()
        except KeyboardInterrupt:
            state = run.progress()
            return state.files_ended < state.files or not indexing.is_published()

    def _follow(self, run: IngestRun, crew: Crew) -> None:
        from rich.progress import DownloadColumn

        from core.progress import PlainColumn

        with self.progress("", DownloadColumn(), PlainColumn("rate", ".0f", "video s/s")) as bar:
            shown = bar.add_task("starting", total=None, rate=0.0)
            started, done_before_s = time.monotonic(), run.progress().video_s
            for state in run.watch():
                elapsed_s = max(time.monotonic() - started, 1e-3)
                bar.update(
                    shown,
                    total=state.size or None,
                    completed=state.size_done,
                    rate=(state.video_s - done_before_s) / elapsed_s,
                    description=f"{state.files_ended}/{state.files} files {state.current[:40]}",
                )
            bar.update(shown, description="making them searchable")
            crew.publish()

    def _preview(self, paths: list[Path], *, retry: bool) -> dict[str, Any]:
        found = list(find_files(paths))
        files = sort_files(files=[file for file in found if isinstance(file, FoundFile)], retry=retry)
        for file in files.new.values():
            parsed = parse_path(file.path, file.root)
            anime = f"AniList {parsed.anilist_id}, " if parsed.anilist_id else ""
            episode = "" if parsed.episode is None else f" {parsed.episode:g}"
            self.say(f"{file.path}: {anime}{parsed.title}, {parsed.kind}{episode}")
        unusable = {path.path: path.reason for path in found if isinstance(path, UnusablePath)}
        return {
            "would_index": len(files.new),
            "bytes": sum(file.stamp.size for file in files.new.values()),
            "known_already": len(files.known),
            "failures": _lines(unusable | files.broken),
        }


def _summary(run: IngestRun, elapsed_s: float) -> dict[str, Any]:
    outcomes, failures, video_s = run.outcomes(), run.failures(), run.video_seconds()
    return {
        "indexed": outcomes["indexed"],
        "known_already": run.known,
        "known_by_content": outcomes["known"],
        "failed": len(failures),
        "video_seconds": round(video_s, 1),
        "seconds": round(elapsed_s, 1),
        "video_seconds_per_second": round(video_s / max(elapsed_s, 1e-3), 1),
        "failures": _lines(failures),
    }


def _lines(failures: dict[str, str]) -> list[str]:
    return [f"{path}: {reason}" for path, reason in sorted(failures.items())]


def _check_writable(data_dir: Path) -> None:
    """Say so before the work, and not after it, if its results could not be kept."""
    for folder in (data_dir / "tracks", data_dir / "thumbnails", data_dir / "index"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise CommandError(f"DATA_DIR: {folder} cannot be written: {error.strerror}") from error


def _workers(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {MOST_WORKERS}, not {text!r}")
    return int(text)
