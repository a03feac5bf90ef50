"""Addresses of this part of the whatanimeisthis API."""

from __future__ import annotations

from django.urls import path

from rankings.api.views import RankingsView, RecentSearchesView

urlpatterns = [
    path("api/anime/rankings", RankingsView.as_view(), name="whatanime-rankings"),
    path("api/anime/recent-searches", RecentSearchesView.as_view(), name="whatanime-recent-searches"),
]
