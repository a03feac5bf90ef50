"""Addresses of the pages of credits."""

from __future__ import annotations

from django.urls import path

from credits.web import views

urlpatterns = [
    path("pricing", views.pricing, name="pricing"),
    path("account/credits", views.credits_page, name="account-credits"),
    path("account/credits/buy", views.buy, name="account-credits-buy"),
    path("account/credits/billing", views.billing, name="account-credits-billing"),
    path("account/credits/cancelled", views.cancelled, name="account-credits-cancelled"),
    path("account/credits/orders/<uuid:order_id>", views.order, name="account-credits-order"),
]
