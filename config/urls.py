"""Every address of the site, by app."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("anime_search.web.urls")),
    path("", include("anime_search.api.whatanime.urls")),
    path("", include("anime_search.api.tracemoe_legacy.urls")),
    path("", include("anime_search.api.tracemoe.urls")),
    path("admin/", admin.site.urls),
]
