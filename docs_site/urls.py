"""Addresses of the documentation."""

from __future__ import annotations

from django.urls import path

from docs_site import views

urlpatterns = [
    path("docs", views.overview, name="docs"),
    path("docs/<slug:name>", views.surface_page, name="docs-surface"),
    path("openapi.json", views.openapi_document, name="openapi"),
    path("llms.txt", views.llms_text, name="llms"),
]
