"""Addresses of the pages of the scene search."""

from __future__ import annotations

from django.urls import path

from anime_search.web import views

urlpatterns = [path("", views.home, name="home")]
