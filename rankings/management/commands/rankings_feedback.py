"""``manage.py rankings_feedback``: what searchers said of matches, as JSON lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from core.commands import OperatorCommand
from rankings.judging import export_feedback
from rankings.models import MatchFeedback


class Command(OperatorCommand):
    help = (
        "Write every judgement of a match to a file, one JSON object a line: what was found, whether that was right, "
        "and what the picture was described by. There are neither pictures nor callers in it."
    )

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="where to write; a file that is there is replaced")

    def run(self, *, file: Path, **_: Any) -> dict[str, Any]:
        right = wrong = 0
        part = file.with_name(f".{file.name}.part")
        try:
            with self.progress("judgements") as bar, part.open("w", encoding="utf-8") as output:
                shown = bar.add_task("writing", total=MatchFeedback.objects.count())
                for line in export_feedback(on_progress=lambda done: bar.update(shown, completed=done)):
                    output.write(json.dumps(line, ensure_ascii=False) + "\n")
                    right, wrong = right + line["right"], wrong + (not line["right"])
            part.replace(file)
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}") from error
        finally:
            part.unlink(missing_ok=True)
        return {"right": right, "wrong": wrong, "file": str(file)}
