"""The app's registration with Django."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        """Register the boot checks, the tabs of the account's pages, and what is exported of a user."""
        from allauth.socialaccount import providers

        from accounts import checks  # noqa: F401 - registers itself
        from accounts.personal_data import register_exporter
        from accounts.selectors import own_data
        from accounts.tabs import register_tab

        register_exporter("account", own_data)
        register_tab("profile", _("Profile"), "account", 10)
        register_tab("email", _("E-mail"), "account_email", 60)
        register_tab("password", _("Password"), "account_change_password", 70)
        register_tab("mfa", _("Two-factor"), "mfa_index", 80)
        register_tab("sessions", _("Sessions"), "usersessions_list", 90)
        if providers.registry.get_class_list():
            register_tab("connections", _("Connections"), "socialaccount_connections", 100)
