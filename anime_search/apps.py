"""The app's registration with Django."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AnimeSearchConfig(AppConfig):
    name = "anime_search"
    verbose_name = "scene search"

    def ready(self) -> None:
        """Register the checks at boot, what is exported of a user, what ends with one, and the account's tab."""
        from accounts.personal_data import register_eraser, register_exporter
        from accounts.tabs import register_tab
        from anime_search import checks  # noqa: F401 - importing registers them
        from anime_search.personal_data import end_shares, own_shares

        register_exporter("sharedResults", own_shares)
        register_eraser("anime_search", end_shares)
        register_tab("shared", _("Shared results"), "shared-results", 45)
