"""The base of management commands: progress on stderr, a summary on stdout, non-zero on failure."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from core.errors import DomainError


class OperatorCommand(BaseCommand):
    """A command that operators and their scripts run.

    Subclasses implement :meth:`run`, which returns the summary and raises ``CommandError`` or a
    :class:`~core.errors.DomainError` on failure; a ``summary`` in the error's data is printed all the same. ``--json`` prints the summary as one line of JSON.
    Commands that write set ``writes`` and honour ``--dry-run``.
    """

    writes = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the summary as one line of JSON")
        if self.writes:
            parser.add_argument(
                "--dry-run", action="store_true", help="say what would be done, and do nothing"
            )
        self.add_options(parser)

    def add_options(self, parser: CommandParser) -> None:
        """Arguments of the command itself."""

    def run(self, **options: Any) -> dict[str, Any]:
        """Do the work and return what was done, for people and scripts to read."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            summary = self.run(**options)
        except DomainError as error:
            if "summary" in error.data:
                self.print_summary(error.data["summary"], as_json=options["json"])
            raise CommandError(error.message) from error
        except KeyboardInterrupt:
            raise CommandError("stopped; run it again to go on", returncode=130) from None
        self.print_summary(summary, as_json=options["json"])

    def print_summary(self, summary: dict[str, Any], *, as_json: bool) -> None:
        """Print what was done: one line of JSON, or a line a fact."""
        if as_json:
            self.stdout.write(json.dumps(summary, ensure_ascii=False, default=str))
        else:
            for name, value in summary.items():
                self.stdout.write(f"{name.replace('_', ' ')}: {_plain(value)}")

    def say(self, message: str) -> None:
        """A line for the person who watches; never part of the output."""
        self.stderr.write(message)

    @contextmanager
    def progress(self, unit: str = "", *columns: ProgressColumn) -> Iterator[Progress]:
        """A live bar on stderr; where that is no terminal, a plain line every few seconds."""
        shown = [
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            *(columns or (MofNCompleteColumn(),)),
            TextColumn(unit),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        ]
        with LineProgress(*shown, console=Console(file=sys.stderr)) as bar:
            yield bar


class LineProgress(Progress):
    """Rich's progress display, which in a log file or a pipe says how far it is in lines of text."""

    LINE_EVERY_S = 5.0

    def __init__(self, *columns: ProgressColumn, console: Console) -> None:
        super().__init__(*columns, console=console, disable=not console.is_terminal)
        self._said_at = time.monotonic()

    def update(self, task_id: TaskID, **changes: Any) -> None:
        super().update(task_id, **changes)
        self._say(task_id)

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        super().advance(task_id, advance)
        self._say(task_id)

    def _say(self, task_id: TaskID) -> None:
        if not self.disable or time.monotonic() - self._said_at < self.LINE_EVERY_S:
            return
        self._said_at = time.monotonic()
        task = next(task for task in self.tasks if task.id == task_id)
        total = "" if task.total is None else f" of {task.total:.0f} ({task.percentage:.0f} %)"
        self.console.print(f"{task.description}: {task.completed:.0f}{total}", highlight=False)


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.1f}"
    if isinstance(value, (list, tuple)):
        return "".join(f"\n  {item}" for item in value) or "none"
    return str(value)
