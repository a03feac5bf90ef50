"""``manage.py rankings_rebuild``: the counts of every period made anew."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from core.commands import OperatorCommand
from rankings.rebuild import MOST_DAYS, rebuild_tallies


class Command(OperatorCommand):
    help = (
        "Recount the last days out of the searches that are kept, and sum weeks, months, years and all time anew. "
        "Searches go on being counted; a run that was stopped is run once more."
    )
    writes = True

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days",
            type=_days,
            default=MOST_DAYS,
            metavar=f"0-{MOST_DAYS}",
            help=f"days to recount, today among them (default {MOST_DAYS}); older ones are taken as they are",
        )

    def run(self, *, days: int, dry_run: bool, **_: Any) -> dict[str, Any]:
        with self.progress("periods") as bar:
            shown = bar.add_task("summing", total=None)
            rebuilt = rebuild_tallies(
                days=days,
                dry_run=dry_run,
                on_progress=lambda done, total: bar.update(shown, completed=done, total=total),
            )
        return ({"dry_run": True} if dry_run else {}) | asdict(rebuilt)


def _days(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 4 and int(value) <= MOST_DAYS):
        raise argparse.ArgumentTypeError(f"{value!r} is not a number of days from 0 to {MOST_DAYS}")
    return int(value)
