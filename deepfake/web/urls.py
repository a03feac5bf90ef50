"""Addresses of the pages of the detector."""

from __future__ import annotations

from django.urls import path

from deepfake.web import actions, views

urlpatterns = [
    path("detect", views.detect, name="detect"),
    path("detect/history", views.history, name="detect-history"),
    path("detect/history/delete", actions.clear, name="detect-clear"),
    path("detect/<str:public_id>.json", views.export, name="detect-json"),
    path("detect/<str:public_id>", views.analysis, name="detect-analysis"),
    path("detect/<str:public_id>/frames/<int:frame>.jpg", views.frame_picture, name="detect-frame"),
    path("detect/<str:public_id>/heat/<int:frame>.jpg", views.heat_picture, name="detect-heat"),
    path("detect/<str:public_id>/cancel", actions.cancel, name="detect-cancel"),
    path("detect/<str:public_id>/delete", actions.delete, name="detect-delete"),
    path("detect/<str:public_id>/again", actions.again, name="detect-again"),
    path("detect/<str:public_id>/forget-file", actions.forget, name="detect-forget"),
]
