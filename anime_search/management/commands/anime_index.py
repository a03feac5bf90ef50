"""``manage.py anime_index``: the life cycle of the frame index."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from anime_search import indexing, runtime
from anime_search.engine.index.hnsw import IndexFileError
from anime_search.engine.index.manifest import GenerationManifest, ManifestError
from anime_search.engine.track import TrackError
from core.commands import OperatorCommand


class Command(OperatorCommand):
    help = "Look at the frame index, build or merge it, verify its files, go back to an older generation."
    writes = True

    def add_options(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("status", help="what is in use, and what is wrong with it")
        actions.add_parser("build", help="build a new generation out of the stored frame tracks")
        actions.add_parser("merge", help="make one segment of all, without videos that are gone")
        actions.add_parser("verify", help="check every file against its digest; non-zero exit if one differs")
        actions.add_parser("rollback", help="use the newest whole generation before the one in use")

    def run(self, *, action: str, dry_run: bool, **_: Any) -> dict[str, Any]:
        if dry_run and action in ("build", "merge", "rollback"):
            return {"would": action, **indexing.index_status()}
        try:
            match action:
                case "status":
                    return indexing.index_status()
                case "build":
                    return _facts(self._build())
                case "merge":
                    with runtime.index_store().writing():
                        return _facts(runtime.index_store().merge(threads=indexing.BUILD_THREADS))
                case "rollback":
                    with runtime.index_store().writing():
                        return _facts(runtime.index_store().rollback())
                case _:
                    return self._verify()
        except (ManifestError, IndexFileError, TrackError) as error:
            raise CommandError(str(error)) from error

    def _build(self) -> GenerationManifest:
        if lost := indexing.forget_lost_tracks():
            self.say(f"{lost} frame tracks are missing or damaged: run anime_ingest on their videos again")
        with self.progress("frames") as bar:
            shown = bar.add_task("building", total=None)
            return indexing.rebuild_index(
                on_progress=lambda done, total: bar.update(shown, completed=done, total=total)
            )

    def _verify(self) -> dict[str, Any]:
        if problems := runtime.index_store().verify():
            raise CommandError("\n".join(problems))
        return {"verified": "every file is as its manifest says", **indexing.index_status()}


def _facts(manifest: GenerationManifest | None) -> dict[str, Any]:
    if manifest is None:
        return {"generation": None, "frames": 0, "segments": 0}
    return {"generation": manifest.number, "frames": manifest.count, "segments": len(manifest.segments)}
