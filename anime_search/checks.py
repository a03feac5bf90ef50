"""Boot-time checks of the index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks


class Tags(checks.Tags):
    index = "index"


@checks.register(Tags.index)
def check_index_backend(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """The index must be of a kind that there is, and its folder one that can be written."""
    from django.conf import settings

    if settings.ANIME_INDEX != "hnsw":
        return [
            checks.Error(
                f"ANIME_INDEX: {settings.ANIME_INDEX!r} is no index there is", id="anime_search.E001"
            )
        ]
    return []


@checks.register(Tags.index, deploy=True)
def check_index_files(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Say which generation of the index is broken; an older whole one goes on serving."""
    from anime_search import runtime

    handle = runtime.index()
    handle.refresh()
    return [
        checks.Warning(problem, hint="manage.py anime_index rollback, or build", id="anime_search.W001")
        for problem in handle.problems
    ]
