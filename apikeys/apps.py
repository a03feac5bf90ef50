"""The app's registration with Django."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ApikeysConfig(AppConfig):
    name = "apikeys"

    def ready(self) -> None:
        """Register the tab of the account's pages, and what is exported of a user."""
        from accounts.personal_data import register_exporter
        from accounts.tabs import register_tab
        from apikeys.personal_data import own_keys

        register_tab("keys", _("API keys"), "account-keys", 30)
        register_exporter("apiKeys", own_keys)
