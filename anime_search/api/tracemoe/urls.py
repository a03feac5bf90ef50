"""Addresses of today's trace.moe API."""

from __future__ import annotations

from django.urls import path, re_path

from anime_search.api.tracemoe.views import ImageView, MeView, NothingHere, SearchView, VideoView

urlpatterns = [
    path("search", SearchView.as_view(), name="trace-search"),
    path("me", MeView.as_view(), name="trace-me"),
    path("image/<str:token>", ImageView.as_view(), name="scene-image"),
    path("video/<str:token>", VideoView.as_view(), name="scene-video"),
    re_path(r"^(?:image|video)\Z", NothingHere.as_view()),
    re_path(r"^(?:image|video|me|search)/[\s\S]*\Z", NothingHere.as_view()),
]
