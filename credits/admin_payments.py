"""What was ordered and paid, for staff to look at: the payment provider's events alone change it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from core.admin import ReadOnlyAdmin
from credits.models import Order, PaidTier, Payment, PaymentEvent, Subscription


class AccountRowsAdmin(ReadOnlyAdmin):
    """Rows of credit accounts, each shown with its user."""

    list_select_related: ClassVar = ("account__user",)

    @admin.display(description=_("user"))
    def owner(self, row: Any) -> str:
        return str(row.account.user or _("closed account"))


@admin.register(Order)
class OrderAdmin(AccountRowsAdmin):
    ordering = ("-created_at", "-pk")
    list_display = (
        "created_at",
        "owner",
        "offer",
        "credits",
        "tier",
        "amount",
        "currency",
        "status",
        "paid_at",
    )
    list_filter = ("created_at", "status", "tier")
    search_fields = ("=account__user__email", "=session_id", "=offer")
    search_help_text = _("e-mail address, name of the checkout, or offer")


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    ordering = ("-pk",)
    list_display = ("payment_id", "order", "amount", "refunded", "disputed", "reversed_credits")
    list_select_related = ("order",)
    search_fields = ("=payment_id", "=order__account__user__email")
    search_help_text = _("name of the payment, or e-mail address")


@admin.register(Subscription)
class SubscriptionAdmin(AccountRowsAdmin):
    ordering = ("-pk",)
    list_display = ("subscription_id", "owner", "tier", "status", "runs", "renews_at", "ends")
    list_filter = ("runs", "tier", "status", "renews_at")
    search_fields = ("=subscription_id", "=customer_id", "=account__user__email")
    search_help_text = _("name of the subscription or the customer, or e-mail address")


@admin.register(PaidTier)
class PaidTierAdmin(AccountRowsAdmin):
    ordering = ("-pk",)
    list_display = ("owner", "tier", "given", "before")
    list_filter = ("tier", "given")
    search_fields = ("=account__user__email",)


@admin.register(PaymentEvent)
class PaymentEventAdmin(ReadOnlyAdmin):
    """Those that are kept for staff need a look: something was paid that could not be granted."""

    ordering = ("-received_at", "-pk")
    list_display = ("received_at", "kind", "outcome", "about", "note", "event_id")
    list_filter = ("outcome", "received_at", "kind")
    search_fields = ("=event_id", "=about", "note")
