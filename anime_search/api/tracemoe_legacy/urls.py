"""Addresses of the old trace.moe API."""

from __future__ import annotations

from django.urls import path, re_path

from anime_search.api.tracemoe_legacy.errors import ERRORS
from anime_search.api.tracemoe_legacy.views import ClipView, MeView, SceneView, SearchView, ThumbnailView
from core.surfaces import catch_all

#: What the dialect's clients may ask for and nothing answers: whatever lies below its endpoints.
REST = r"^(?:(?:api/search|api/me|thumbnail\.php|preview\.php)/|video/[^/]*/)[\s\S]*\Z"

urlpatterns = [
    path("api/search", SearchView.as_view(), name="legacy-search"),
    path("api/me", MeView.as_view(), name="legacy-me"),
    path("thumbnail.php", ThumbnailView.as_view(), name="legacy-thumbnail"),
    path("preview.php", ClipView.as_view(), name="legacy-preview"),
    re_path(r"^video/(?P<anilist_id>[0-9]+)/(?P<filename>[^/]+)\Z", SceneView.as_view(), name="legacy-video"),
    re_path(REST, catch_all(ERRORS)),
]
