"""The app's registration with Django."""

from __future__ import annotations

from django.apps import AppConfig


class AnimeSearchConfig(AppConfig):
    name = "anime_search"
    verbose_name = "scene search"

    def ready(self) -> None:
        from anime_search import checks  # noqa: F401
