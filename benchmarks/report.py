"""What a benchmark prints: tables in Markdown or figures in JSON on stdout, progress on stderr."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.machine import describe_machine


def say(message: str) -> None:
    """A line for the person who watches; never part of the result."""
    print(message, file=sys.stderr, flush=True)


def options_parser(description: str | None) -> argparse.ArgumentParser:
    """The command line that all benchmarks share."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON instead of tables")
    return parser


@dataclass(frozen=True, slots=True)
class Target:
    """A promise and what came of it."""

    claim: str
    measured: str
    met: bool


@dataclass(slots=True)
class Report:
    """The result of one benchmark.

    Attributes:
        figures: bare numbers, by name, for scripts and for comparing runs.
        notes: how the result came about, in sentences.
    """

    benchmark: str
    machine: dict[str, str] = field(default_factory=describe_machine)
    figures: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _tables: list[tuple[str, list[dict[str, str]]]] = field(default_factory=list)
    _targets: list[Target] = field(default_factory=list)

    def table(self, title: str, rows: Sequence[Mapping[str, str]]) -> None:
        """Add a table; the first row's keys are its columns."""
        self._tables.append((title, [dict(row) for row in rows]))

    def target(self, claim: str, measured: str, *, met: bool) -> None:
        """Add a promise and whether it was kept."""
        self._targets.append(Target(claim, measured, met))

    def publish(self, *, as_json: bool) -> None:
        """Print everything on stdout."""
        if as_json:
            targets = [{"claim": t.claim, "measured": t.measured, "met": t.met} for t in self._targets]
            print(
                json.dumps(
                    {
                        "benchmark": self.benchmark,
                        "machine": self.machine,
                        "figures": self.figures,
                        "targets": targets,
                        "notes": self.notes,
                    },
                    ensure_ascii=False,
                )
            )
            return
        print(f"# {self.benchmark}\n")
        print(", ".join(f"{name} {value}" for name, value in self.machine.items()))
        for note in self.notes:
            print(f"\n{note}")
        for title, rows in self._tables:
            print(f"\n{title}\n\n{_markdown(rows)}")
        if self._targets:
            rows = [
                {"target": t.claim, "measured": t.measured, "kept": "yes" if t.met else "NO"}
                for t in self._targets
            ]
            print(f"\nTargets\n\n{_markdown(rows)}")


def _markdown(rows: Sequence[Mapping[str, str]]) -> str:
    columns = list(rows[0]) if rows else []
    widths = [max(len(column), *(len(row[column]) for row in rows)) for column in columns]
    lines = [columns, ["-" * width for width in widths], *([row[c] for c in columns] for row in rows)]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in lines
    )
