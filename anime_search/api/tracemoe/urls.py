"""Addresses of today's trace.moe API."""

from __future__ import annotations

from django.urls import path, re_path

from anime_search.api.tracemoe.errors import ERRORS
from anime_search.api.tracemoe.views import ImageView, MeView
from core.surfaces import catch_all

urlpatterns = [
    path("me", MeView.as_view(), name="trace-me"),
    path("image/<str:token>", ImageView.as_view(), name="scene-image"),
    re_path(r"^(?:image|me)/[\s\S]*\Z", catch_all(ERRORS)),
]
