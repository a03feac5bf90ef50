"""Addresses of the aividect API."""

from __future__ import annotations

from django.urls import path, re_path

from core.surfaces import catch_all
from deepfake.api.aividect.errors import ERRORS
from deepfake.api.aividect.views import AnalysesView, AnalysisView, AnalyzeView, MeView, UsageView

urlpatterns = [
    path("api/v1/me", MeView.as_view(), name="aividect-me"),
    path("api/v1/usage", UsageView.as_view(), name="aividect-usage"),
    path("api/v1/analyze", AnalyzeView.as_view(), name="aividect-analyze"),
    path("api/v1/analysis/<str:public_id>", AnalysisView.as_view(), name="aividect-analysis"),
    path("api/v1/analyses", AnalysesView.as_view(), name="aividect-analyses"),
    re_path(r"^api/v1(?:/[\s\S]*)?\Z", catch_all(ERRORS)),
]
