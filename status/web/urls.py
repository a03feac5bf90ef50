"""Addresses of the status page."""

from __future__ import annotations

from django.urls import path

from status.web import views

urlpatterns = [
    path("status", views.page, name="status"),
    path("status.json", views.document, name="status-json"),
]
