"""The base of management commands: progress on stderr, a summary on stdout, non-zero on failure."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from core.errors import DomainError

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

    from core.progress import LineProgress

#: Exit status of a command that was stopped with Ctrl-C, as shells give it: 128 + SIGINT.
STOPPED = 130


class OperatorCommand(BaseCommand):
    """A command that operators and their scripts run.

    Subclasses implement :meth:`run`, which returns the summary and raises ``CommandError`` or a
    :class:`~core.errors.DomainError` on failure; a ``summary`` in the error's data is printed all the same,
    and a ``returncode`` there is the exit status. ``--json`` prints the summary as one line of JSON.
    Commands that write set ``writes`` and honour ``--dry-run``. SIGTERM stops a command as Ctrl-C does.
    """

    writes = False
    # The checks of the whole site load every page and API, which doubles the time a command takes to start.
    requires_system_checks: tuple[str, ...] = ()

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
            with _sigterm_as_interrupt():
                summary = self.run(**options)
        except DomainError as error:
            if "summary" in error.data:
                self.print_summary(error.data["summary"], as_json=options["json"])
            raise CommandError(error.message, returncode=error.data.get("returncode", 1)) from error
        except KeyboardInterrupt:
            raise CommandError("stopped; run it again to go on", returncode=STOPPED) from None
        except DatabaseError as error:
            hint = "the database cannot be used; if it is new, run manage.py migrate first"
            raise CommandError(f"{hint} ({str(error).strip()})") from error
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
        self.stderr.write(one_line(message))

    @contextmanager
    def progress(self, unit: str = "", *columns: ProgressColumn) -> Iterator[LineProgress]:
        """A live bar on stderr; where that is no terminal, a plain line every few seconds.

        Args:
            unit: of what is counted.
            columns: shown in place of "so many of so many".
        """
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TaskProgressColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        from core.progress import LineProgress, PlainColumn

        shown: list[ProgressColumn | str] = [
            PlainColumn(),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            *(columns or (MofNCompleteColumn(),)),
            *([unit] if unit else []),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        ]
        with LineProgress(*shown, console=Console(file=sys.stderr)) as bar:
            yield bar


@contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """Let SIGTERM end a command in order, as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def one_line(text: str) -> str:
    """A text with its control characters spelled out: a file's name may hold a line break."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.1f}"
    if isinstance(value, (list, tuple)):
        return "".join(f"\n  {one_line(str(item))}" for item in value) or "none"
    return one_line(str(value))
