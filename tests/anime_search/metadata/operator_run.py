"""An operator at work: naming titles, running ``anime_metadata``, looking at what came of it."""

from __future__ import annotations

import io
import json
from typing import Any

from django.core.management import call_command

from anime_search.management.commands.anime_metadata import Command
from anime_search.metadata.services import anime_for_id
from anime_search.models import Anime
from tests.anime_search.metadata.fake_anilist import FakeClock


def run(clock: FakeClock, *arguments: str, sleep: Any = None) -> dict[str, Any]:
    command = Command(stdout=io.StringIO(), stderr=io.StringIO())
    command.now = clock.now
    command.sleep = sleep or clock.sleep
    call_command(command, "--json", *arguments)
    summary: dict[str, Any] = json.loads(command.stdout._out.getvalue())
    return summary


def name(*ids: int) -> None:
    for anilist_id in ids:
        anime_for_id(anilist_id=anilist_id)


def titles() -> dict[int, str]:
    return dict(Anime.objects.exclude(title_romaji="").values_list("anilist_id", "title_romaji"))
