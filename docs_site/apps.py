"""The app of the documentation."""

from __future__ import annotations

from django.apps import AppConfig


class DocsSiteConfig(AppConfig):
    """No models: a document, pages, and a command."""

    name = "docs_site"
    verbose_name = "documentation"
