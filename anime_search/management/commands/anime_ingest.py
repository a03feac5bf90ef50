"""``manage.py anime_ingest``: make videos searchable."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from rich.progress import DownloadColumn, Progress, TaskID, TextColumn
from watchfiles import watch

from anime_search import runtime, tasks
from anime_search.engine.episode import parse_path
from anime_search.errors import IngestFailed
from anime_search.ingest.discovery import FoundFile, find_files
from anime_search.ingest.jobs import recover_jobs
from anime_search.ingest.runs import MOST_WALKS, IngestRun, RunProgress
from core.commands import OperatorCommand
from core.workers import EmbeddedWorkers


class Command(OperatorCommand):
    help = (
        "Index videos: files, or folders laid out as {anilist_id}/file.ext or in any other way. "
        "What is indexed already is skipped, by content; a run that was stopped goes on where it was."
    )
    writes = True

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files and folders")
        parser.add_argument(
            "--workers", type=_positive, default=settings.INGEST_WORKERS, help="files decoded at a time"
        )
        parser.add_argument("--watch", action="store_true", help="stay, and index what is added or replaced")
        parser.add_argument("--retry", action="store_true", help="try files again that were broken before")

    def run(
        self, *, paths: list[Path], workers: int, watch: bool, retry: bool, dry_run: bool, **_: Any
    ) -> dict[str, Any]:
        if missing := [str(path) for path in paths if not path.exists()]:
            raise CommandError(f"no such file or folder: {', '.join(missing)}")
        if dry_run:
            return self._preview(paths)
        if not settings.EMBEDDED and workers != settings.INGEST_WORKERS:
            self.say("--workers has no effect here: the Celery workers of the queue 'ingest' do the work")
        settings.INGEST_WORKERS = workers
        started = time.monotonic()
        run = IngestRun(paths, send=tasks.ingest.delay, publish=tasks.publish_tracks.delay, retry=retry)
        with EmbeddedWorkers({"ingest": workers, "housekeeping": 1}, periodic=False):
            try:
                for job_id in recover_jobs():
                    tasks.ingest.delay(job_id)
                self._index(run)
                while watch:
                    self._wait_for_change(paths)
                    self._index(run)
            finally:
                runtime.close_decoder_pools()
        return self._summary(run, time.monotonic() - started)

    def _index(self, run: IngestRun) -> None:
        with self.progress("video s/s", DownloadColumn(), TextColumn("{task.fields[rate]:.0f}")) as bar:
            shown = bar.add_task("looking for videos", total=None, rate=0.0)
            started = time.monotonic()
            for _walk in range(MOST_WALKS):
                made = run.walk()
                for state in run.watch():
                    self._show(bar, shown, state, time.monotonic() - started)
                # What was added or replaced while the others were decoded is found by walking again.
                if not made:
                    break
            self._publish(bar, shown)

    def _show(self, bar: Progress, shown: TaskID, state: RunProgress, elapsed_s: float) -> None:
        bar.update(
            shown,
            total=state.size or None,
            completed=state.size_done,
            rate=state.video_s / max(elapsed_s, 1e-3),
            description=f"{state.files_ended}/{state.files} files {state.current[:40]}",
        )

    def _publish(self, bar: Progress, shown: TaskID) -> None:
        bar.update(shown, description="making them searchable")
        try:
            tasks.publish_tracks.apply_async().get(timeout=3600, interval=0.05, disable_sync_subtasks=False)
        except Exception as error:
            raise CommandError(
                f"the videos are described, but the index could not be built: {error}"
            ) from error

    def _wait_for_change(self, paths: list[Path]) -> None:
        self.say("watching for new files; stop with Ctrl-C")
        for _changes in watch(*paths, debounce=2000, raise_interrupt=True):
            return

    def _preview(self, paths: list[Path]) -> dict[str, Any]:
        files = [found for found in find_files(paths) if isinstance(found, FoundFile)]
        for found in files:
            parsed = parse_path(found.path, found.root)
            anime = f"AniList {parsed.anilist_id}, " if parsed.anilist_id else ""
            episode = "" if parsed.episode is None else f" {parsed.episode:g}"
            self.say(f"{found.path}: {anime}{parsed.title}, {parsed.kind}{episode}")
        return {"would_look_at": len(files), "bytes": sum(found.stamp.size for found in files)}

    def _summary(self, run: IngestRun, elapsed_s: float) -> dict[str, Any]:
        outcomes, failures, video_s = run.outcomes(), run.failures(), run.video_seconds()
        summary = {
            "indexed": outcomes["indexed"],
            "known_already": run.known,
            "known_by_content": outcomes["known"],
            "failed": len(failures),
            "video_seconds": round(video_s, 1),
            "seconds": round(elapsed_s, 1),
            "video_seconds_per_second": round(video_s / max(elapsed_s, 1e-3), 1),
            "failures": [f"{path}: {reason}" for path, reason in failures.items()],
        }
        if failures:
            raise IngestFailed(f"{len(failures)} of the files could not be indexed", summary=summary)
        return summary


def _positive(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 256:
        raise ValueError
    return value
