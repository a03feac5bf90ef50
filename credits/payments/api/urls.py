"""Addresses of ``/api/payments``."""

from __future__ import annotations

from django.urls import path, re_path

from core.surfaces import catch_all
from credits.payments.api.errors import ERRORS
from credits.payments.api.views import StripeWebhookView

urlpatterns = [
    path("api/payments/stripe/webhook", StripeWebhookView.as_view(), name="stripe-webhook"),
    re_path(r"^api/payments(?:/[\s\S]*)?\Z", catch_all(ERRORS)),
]
