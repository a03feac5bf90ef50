"""Metering for staff: policies to edit, and everything that was counted or moved to look at."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import CharField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Concat
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin import UserColumn, register_last_seen, register_user_action, register_user_column
from accounts.models import User
from core import clock
from core.admin import AuditedAdmin, ReadOnlyAdmin
from credits.admin_moves import give_credits, take_credits
from credits.admin_payments import AccountRowsAdmin
from credits.models import Admission, Counted, CreditAccount, DayCount, LedgerEntry, Policy
from credits.policies import DAY_S, DOCUMENTED, PolicyTier, Product

#: No tier needs more, and every database takes it.
_MOST = 2_000_000_000


class PolicyForm(forms.ModelForm):
    class Meta:
        model = Policy
        fields = ("rate", "rate_s", "daily", "day_edge", "cost", "free_credits", "concurrency", "priority")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        bounds = {"rate_s": (1, DAY_S), "concurrency": (1, 1_000)}
        for name, field in self.fields.items():
            if isinstance(field, forms.IntegerField):
                low, high = bounds.get(name, (0, _MOST))
                field.validators += [MinValueValidator(low), MaxValueValidator(high)]


@admin.register(Policy)
class PolicyAdmin(AuditedAdmin):
    """There is a row for every product and tier, so none is added or deleted; an edit holds at once."""

    form = PolicyForm
    list_display = (
        "product",
        "tier",
        "window",
        "daily",
        "day_edge",
        "cost",
        "free_credits",
        "concurrency",
        "priority",
    )
    list_display_links = ("product", "tier")
    list_filter = ("product", "tier")
    fields = ("product", "tier", *PolicyForm.Meta.fields)
    readonly_fields = ("product", "tier")

    @admin.display(description=_("requests a window"), ordering="rate")
    def window(self, policy: Policy) -> str:
        return "–" if policy.rate is None else f"{policy.rate} / {policy.rate_s} s"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Policy | None = None) -> bool:
        return False


class SubjectSearch:
    """Rows of a subject: ``user:5`` or a guest's, by what is indexed; a user also by id and e-mail address."""

    search_help_text = _("e-mail address or id of a user, or a subject such as user:5")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if "@" in term:
            user_id = User.objects.filter(email=term.lower()).values_list("pk", flat=True).first()
            return queryset.filter(subject=f"user:{user_id}"), False
        return queryset.filter(subject=f"user:{term}" if term.isdigit() else term), False


@admin.register(CreditAccount)
class CreditAccountAdmin(ReadOnlyAdmin):
    ordering = ("-pk",)
    list_display = ("id", "user", "balance")
    list_select_related = ("user",)
    search_fields = ("=user__email", "=id")
    search_help_text = _("e-mail address, or id of the account")


@admin.register(LedgerEntry)
class LedgerEntryAdmin(AccountRowsAdmin):
    # By the key, which grows with time and is indexed.
    ordering = ("-pk",)
    list_display = ("created_at", "owner", "kind", "amount", "product", "reason", "actor")
    list_filter = ("created_at", "kind", "product")
    search_fields = ("=key", "=actor", "reason")
    search_help_text = _("e-mail address, key, actor such as staff:5, or words of the reason")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[LedgerEntry], search_term: str
    ) -> tuple[QuerySet[LedgerEntry], bool]:
        """An address alone: together with the other fields no index would help."""
        if "@" in search_term:
            return queryset.filter(account__user__email=search_term.strip().lower()), False
        return super().get_search_results(request, queryset, search_term)


@admin.register(DayCount)
class DayCountAdmin(SubjectSearch, ReadOnlyAdmin):
    ordering = ("-ends_at", "-pk")
    list_display = ("subject", "product", "counts", "used", "starts_at", "ends_at")
    list_filter = ("ends_at", "product", "counts")
    search_fields = ("subject",)


@admin.register(Admission)
class AdmissionAdmin(SubjectSearch, ReadOnlyAdmin):
    ordering = ("-created_at", "-pk")
    list_display = ("created_at", "product", "subject", "status", "free", "paid", "ended_at")
    list_filter = ("created_at", "product", "status", "expires_at")
    search_fields = ("subject",)
    # What was answered is between us and the caller.
    exclude = ("answer", "request_sha256")


def _subject() -> Concat:
    return Concat(Value("user:"), Cast(OuterRef("pk"), CharField()))


def _balance() -> dict[str, Any]:
    accounts = CreditAccount.objects.filter(user=OuterRef("pk"))
    return {"credit_balance": Subquery(accounts.values("balance"))}


def _free_days() -> QuerySet[DayCount]:
    return DayCount.objects.filter(
        subject=_subject(), product=Product.WHAT_ANIME, counts=Counted.FREE_CREDITS
    )


def _free_today() -> dict[str, Any]:
    today = _free_days().filter(serial=clock.today().toordinal())
    policies = Policy.objects.filter(product=Product.WHAT_ANIME, tier=OuterRef("tier"))
    return {
        "free_today": Subquery(today.values("used")),
        "free_a_day": Subquery(policies.values("free_credits")),
    }


def _shown_today(user: Any) -> str:
    documented = DOCUMENTED[Product.WHAT_ANIME, PolicyTier(user.tier)].free_credits
    limit = documented if user.free_a_day is None else user.free_a_day
    return str(_("%(used)d of %(limit)d today") % {"used": user.free_today or 0, "limit": limit})


register_user_column(
    UserColumn(
        "credit_balance",
        _("balance"),
        _balance,
        lambda user: str(user.credit_balance or 0),
        "credits.view_creditaccount",
    )
)
register_user_column(
    UserColumn("free_today", _("free searches"), _free_today, _shown_today, "credits.view_daycount")
)
register_user_action(give_credits, "credits.add_ledgerentry")
register_user_action(take_credits, "credits.add_ledgerentry")
register_last_seen("free credits", lambda: Subquery(_free_days().order_by("-serial").values("starts_at")[:1]))
