"""Addresses of what a phone asks for."""

from __future__ import annotations

from django.urls import path

from pwa import views

urlpatterns = [
    path("manifest.webmanifest", views.web_manifest, name="manifest"),
    path("sw.js", views.service_worker, name="service-worker"),
    path("offline", views.offline, name="offline"),
    path("share", views.share, name="share"),
]
