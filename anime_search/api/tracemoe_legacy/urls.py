"""Addresses of the old trace.moe API."""

from __future__ import annotations

from django.urls import path

from anime_search.api.tracemoe_legacy.views import MeView, SearchView, ThumbnailView

urlpatterns = [
    path("api/search", SearchView.as_view(), name="legacy-search"),
    path("api/me", MeView.as_view(), name="legacy-me"),
    path("thumbnail.php", ThumbnailView.as_view(), name="legacy-thumbnail"),
]
