"""Commands called in this process: what they print, and how they end."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from anime_search import runtime
from anime_search.services import search_picture
from tests import footage


@dataclass(frozen=True, slots=True)
class Called:
    """What a command printed, and its exit status."""

    returncode: int
    stdout: str
    stderr: str
    error: str

    @property
    def summary(self) -> dict[str, Any]:
        """The one line of JSON that ``--json`` prints."""
        (line,) = self.stdout.splitlines()
        summary: dict[str, Any] = json.loads(line)
        return summary

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stdout.splitlines()]


Call = Callable[..., Called]


@pytest.fixture
def call() -> Call:
    """``call("anime_index", "status")`` runs a command in this process."""

    def call(name: str, *arguments: object) -> Called:
        stdout, stderr = io.StringIO(), io.StringIO()
        try:
            call_command(name, *map(str, arguments), stdout=stdout, stderr=stderr)
        except CommandError as error:
            return Called(error.returncode, stdout.getvalue(), stderr.getvalue(), str(error))
        return Called(0, stdout.getvalue(), stderr.getvalue(), "")

    return call


@pytest.fixture
def ingest(call: Call) -> Call:
    """``anime_ingest --json``."""
    return lambda *arguments: call("anime_ingest", "--json", *arguments)


def best_video(seed: int, time_s: float = 1.5) -> str | None:
    """Content of the video that a screenshot of the footage ``seed`` is confidently found in."""
    runtime.index().refresh()
    found = search_picture(rgb=footage.picture_at(seed, time_s), flat=False, limit=5, videos=None)
    return found.scenes[0].video if found.confident else None
