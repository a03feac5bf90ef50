"""The app's registration with Django."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CreditsConfig(AppConfig):
    name = "credits"

    def ready(self) -> None:
        """Register the tab of the account's pages, and what is exported and forgotten of a user."""
        from accounts.personal_data import register_eraser, register_exporter
        from accounts.tabs import register_tab
        from credits.personal_data import forget_metering, own_credits

        register_tab("credits", _("Credits"), "account-credits", 20)
        register_exporter("credits", own_credits)
        register_eraser("credits", forget_metering)
