"""The app's registration with Django."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from accounts.principal import Principal
    from anime_search.services import SearchAnswer


class AnimeSearchConfig(AppConfig):
    name = "anime_search"
    verbose_name = "scene search"

    def ready(self) -> None:
        """Register the checks at boot, what is exported of a user, what ends with one, the account's tabs, and who notes searches."""
        from accounts.personal_data import register_eraser, register_exporter
        from accounts.tabs import register_tab
        from anime_search import checks  # noqa: F401 - importing registers them
        from anime_search.past_searches import own_searches
        from anime_search.personal_data import end_shares, own_shares
        from anime_search.signals import scene_found

        register_exporter("searches", own_searches)
        register_exporter("sharedResults", own_shares)
        register_eraser("anime_search", end_shares)
        register_tab("searches", _("Searches"), "account-searches", 35)
        register_tab("shared", _("Shared results"), "shared-results", 45)
        scene_found.connect(_note_search, dispatch_uid="anime_search.note_search")


def _note_search(*, principal: Principal, answer: SearchAnswer, **_: object) -> None:
    from anime_search.past_searches import note_search

    note_search(principal=principal, answer=answer)
