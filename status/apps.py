"""The app's registration with Django."""

from __future__ import annotations

from django.apps import AppConfig


class StatusConfig(AppConfig):
    name = "status"

    def ready(self) -> None:
        from anime_search.signals import search_ended

        search_ended.connect(_count_search, dispatch_uid="status.count_search")


def _count_search(*, elapsed_ms: float, answered: bool, **_: object) -> None:
    from status.services import count_search

    count_search(elapsed_ms=elapsed_ms, answered=answered)
