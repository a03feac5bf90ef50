"""Addresses of the old trace.moe API."""

from __future__ import annotations

from django.urls import path, re_path

from anime_search.api.tracemoe_legacy.errors import ERRORS
from anime_search.api.tracemoe_legacy.views import MeView, SearchView, ThumbnailView
from core.surfaces import catch_all

#: What the dialect's clients may ask for and nothing answers: below its endpoints, and its previews as video.
REST = r"^(?:(?:api/search|api/me|thumbnail\.php)/|preview\.php\b|video/[^/]*/)[\s\S]*\Z"

urlpatterns = [
    path("api/search", SearchView.as_view(), name="legacy-search"),
    path("api/me", MeView.as_view(), name="legacy-me"),
    path("thumbnail.php", ThumbnailView.as_view(), name="legacy-thumbnail"),
    re_path(REST, catch_all(ERRORS)),
]
