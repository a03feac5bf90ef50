"""Addresses of the whatanimeisthis API."""

from __future__ import annotations

from django.urls import path

from anime_search.api.whatanime.errors import ERRORS
from anime_search.api.whatanime.views import SearchView
from core.surfaces import catch_all

urlpatterns = [
    path("api/anime/search", SearchView.as_view(), name="whatanime-search"),
    path("api/anime/<path:rest>", catch_all(ERRORS)),
]
