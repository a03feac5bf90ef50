"""``manage.py anime_index``: the life cycle of the frame index."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from anime_search import indexing, runtime
from anime_search.checks import Tags
from anime_search.engine.index.hnsw import IndexFileError
from anime_search.engine.index.manifest import GenerationManifest, ManifestError
from core.commands import OperatorCommand

ACTIONS = {
    "status": "what is in use, and what is wrong with it",
    "build": "a new generation out of the stored frame tracks",
    "merge": "make one segment of all, without the videos that are gone",
    "verify": "check every file in use against its digest; non-zero exit if one differs",
    "rollback": "use the newest whole generation before the one in use",
}


class Command(OperatorCommand):
    help = "Look at the frame index, build or merge it, verify its files, go back to an older generation."
    writes = True
    requires_system_checks = (Tags.index,)

    def add_options(self, parser: CommandParser) -> None:
        explained = "; ".join(f"{action}: {what}" for action, what in ACTIONS.items())
        parser.add_argument("action", choices=ACTIONS, help=explained)

    def run(self, *, action: str, dry_run: bool, **_: Any) -> dict[str, Any]:
        if dry_run and action in ("build", "merge", "rollback"):
            return {"would": action, **indexing.index_status()}
        store = runtime.index_store()
        try:
            match action:
                case "status":
                    return indexing.index_status()
                case "build":
                    return _facts(self._build())
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
