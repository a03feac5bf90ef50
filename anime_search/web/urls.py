"""Addresses of the pages of the scene search."""

from __future__ import annotations

from django.urls import path, re_path

from anime_search.web import history, views

urlpatterns = [
    path("", views.home, name="home"),
    path("account/searches", history.history, name="account-searches"),
    path("account/searches/delete", history.forget, name="account-searches-delete"),
    re_path(r"^cover/(?P<anilist_id>[0-9]{1,10})/(?P<version>[0-9a-f]{16})\Z", views.cover, name="cover"),
]
