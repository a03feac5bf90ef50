"""``manage.py anime_index``: the life cycle of the frame index."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from anime_search import indexing, runtime
from anime_search.checks import Tags
from anime_search.engine.index.hnsw import IndexFileError
from anime_search.engine.index.manifest import GenerationManifest, ManifestError
from anime_search.errors import IngestFailed
from anime_search.ingest import reindex
from core.commands import OperatorCommand

ACTIONS = {
    "status": "what is in use, and what is wrong with it",
    "build": "a new generation out of the stored frame tracks",
    "merge": "make one segment of all, without the videos that are gone",
    "verify": "check every file in use against its digest; non-zero exit if one differs",
    "rollback": "use the newest whole generation before the one in use",
    "reindex": "describe all videos that this version's descriptor has not described yet, out of their thumbnails or "
    "their files, then build the index; the one in use answers until then",
}


class Command(OperatorCommand):
    help = "Look at the frame index, build or merge it, verify its files, go back to an older generation."
    writes = True
    requires_system_checks = (Tags.index,)

    def add_options(self, parser: CommandParser) -> None:
        explained = "; ".join(f"{action}: {what}" for action, what in ACTIONS.items())
        parser.add_argument("action", choices=ACTIONS, help=explained)
        parser.add_argument(
            "--leave-out-failed",
            action="store_true",
            help="reindex: build the new index even if some videos could not be described; they are not found then",
        )

    def run(self, *, action: str, dry_run: bool, leave_out_failed: bool, **_: Any) -> dict[str, Any]:
        if dry_run and action == "reindex":
            return self._preview_reindex()
        if dry_run and action in ("build", "merge", "rollback"):
            return {"would": action, **indexing.index_status()}
        store = runtime.index_store()
        try:
            match action:
                case "status":
                    return indexing.index_status()
                case "build":
                    return _facts(self._build())
                case "reindex":
                    return self._reindex(leave_out_failed=leave_out_failed)
                case "merge":
                    with store.writing():
                        return _facts(store.merge(threads=indexing.BUILD_THREADS))
                case "rollback":
                    with store.writing():
                        return _facts(store.rollback())
                case _:
                    return self._verify()
        except (ManifestError, IndexFileError) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"the index cannot be written: {error}") from error

    def _build(self) -> GenerationManifest:
        if waiting := len(indexing.videos_without_track()):
            raise CommandError(
                f"{waiting} videos that are found now have no track by {runtime.geometry().descriptor} yet: "
                "run anime_index reindex, which builds the index at its end"
            )
        return self._build_of_all()

    def _build_of_all(self) -> GenerationManifest:
        if lost := indexing.forget_lost_tracks():
            self.say(f"{lost} frame tracks are missing or damaged: run anime_ingest on their videos again")
        with self.progress("frames") as bar:
            shown = bar.add_task("building", total=None)
            return indexing.rebuild_index(
                on_progress=lambda done, total: bar.update(shown, completed=done, total=total)
            )

    def _preview_reindex(self) -> dict[str, Any]:
        videos = reindex.videos_to_describe()
        return {
            "would": "reindex",
            "from_thumbnails": sum(video.has_thumbnails for video in videos),
            "to_decode": sum(not video.has_thumbnails for video in videos),
            **indexing.index_status(),
        }

    def _reindex(self, *, leave_out_failed: bool) -> dict[str, Any]:
        # Otherwise a track that is lost would be noticed only by the build, when it is too late to make it again.
        indexing.forget_lost_tracks()
        videos = reindex.videos_to_describe()
        try:
            with self.progress("videos") as bar:
                shown = bar.add_task("describing", total=len(videos))
                done = reindex.describe_videos(
                    videos, workers=settings.INGEST_WORKERS, on_video=lambda name: bar.advance(shown)
                )
        except reindex.ReindexRunning as error:
            raise CommandError("another reindex is running") from error
        published = leave_out_failed or not indexing.videos_without_track()
        store = runtime.index_store()
        if published and (videos or store.in_use_of_another() or not indexing.is_published()):
            facts = _facts(self._build_of_all())
        else:
            facts = _facts(store.in_use_of_another() or store.usable())
        summary = {
            "decoded": done.decoded,
            "from_thumbnails": done.from_thumbnails,
            "failed": len(done.failures),
            "published": published,
            **facts,
            "failures": sorted(done.failures),
            "without_thumbnails": sorted(done.without_thumbnails),
        }
        if done.failures:
            left = "" if published else "; the old index stays in use, see --leave-out-failed"
            raise IngestFailed(
                f"{len(done.failures)} of the videos could not be described{left}", summary=summary
            )
        return summary

    def _verify(self) -> dict[str, Any]:
        if problems := runtime.index_store().verify():
            raise CommandError("\n".join(problems))
        return {"verified": "every file is as its manifest says", **indexing.index_status()}


def _facts(manifest: GenerationManifest | None) -> dict[str, Any]:
    if manifest is None:
        return {"generation": None, "frames": 0, "segments": 0}
    return {"generation": manifest.number, "frames": manifest.count, "segments": len(manifest.segments)}
