"""Addresses of the whatanimeisthis API."""

from __future__ import annotations

from django.urls import path, re_path

from anime_search.api.whatanime.errors import ERRORS
from anime_search.api.whatanime.views import CreditsView, SearchView
from core.surfaces import catch_all

urlpatterns = [
    path("api/anime/search", SearchView.as_view(), name="whatanime-search"),
    path("api/user/anime-credits", CreditsView.as_view(), name="whatanime-credits"),
    re_path(r"^api/(?:anime|user)(?:/[\s\S]*)?\Z", catch_all(ERRORS)),
]
