"""Addresses of today's trace.moe API."""

from __future__ import annotations

from django.urls import path

from anime_search.api.tracemoe.views import ImageView

urlpatterns = [path("image/<str:token>", ImageView.as_view(), name="scene-image")]
