"""The app's registration with Django."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DeepfakeConfig(AppConfig):
    name = "deepfake"
    verbose_name = _("video analysis")

    def ready(self) -> None:
        """Register the checks at boot, what is exported of a user, what happens before the user is deleted, and the
        account's tab."""
        from accounts.personal_data import register_eraser, register_exporter
        from accounts.tabs import register_tab
        from deepfake import checks  # noqa: F401 - importing registers them
        from deepfake.personal_data import end_analyses, own_analyses

        register_exporter("analyses", own_analyses)
        register_eraser("deepfake", end_analyses)
        register_tab("analyses", _("Analyses"), "detect-history", 40)
