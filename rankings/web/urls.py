"""Addresses of the pages of what was searched."""

from __future__ import annotations

from django.urls import path

from rankings.web import views

urlpatterns = [
    path("rankings", views.rankings, name="rankings"),
    path("recent", views.recent, name="recent-searches"),
    path("searches/judge", views.judge, name="judge-match"),
    path("anime/<int:anilist_id>", views.anime, name="anime"),
]
