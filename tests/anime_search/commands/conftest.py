"""Commands called in this process: what they print, and how they end."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.core.management import CommandError, call_command

from anime_search import runtime
from anime_search.services import search_picture
from tests import footage
from tests.command_line import Finished


@dataclass(frozen=True, slots=True)
class Called(Finished):
    """The same of a command that ran in this process, and what it failed with."""

    error: str


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
