"""The app's registration with Django."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from accounts.principal import Principal
    from anime_search.services import SearchAnswer


class RankingsConfig(AppConfig):
    name = "rankings"

    def ready(self) -> None:
        from anime_search.signals import scene_found

        scene_found.connect(_record_search, dispatch_uid="rankings.record_search")


def _record_search(*, principal: Principal, answer: SearchAnswer, **_: object) -> None:
    from rankings.services import record_search

    record_search(principal=principal, answer=answer)
