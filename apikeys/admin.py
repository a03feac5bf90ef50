"""API keys for staff: to look at, and to revoke, one by one or all of a user's."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, Exists, IntegerField, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.admin import (
    UserColumn,
    register_last_seen,
    register_user_action,
    register_user_column,
    register_user_filter,
)
from accounts.models import User
from apikeys.models import ApiKey, Revocation
from apikeys.services import revoke_keys
from core.admin import AskFirst, ReadOnlyAdmin, few_of, log_changes
from core.clock import now

_VIEW, _REVOKE = "apikeys.view_apikey", "apikeys.change_apikey"


def _working() -> Q:
    return Q(revoked_at__isnull=True) & (Q(expires_at__isnull=True) | Q(expires_at__gt=now()))


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("working", _("working")), ("expired", _("expired")), ("revoked", _("revoked"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> QuerySet[ApiKey]:
        conditions = {
            "working": _working(),
            "expired": Q(revoked_at__isnull=True, expires_at__lte=now()),
            "revoked": Q(revoked_at__isnull=False),
        }
        return queryset.filter(conditions.get(self.value() or "", Q()))


class HasKeysFilter(admin.SimpleListFilter):
    title = _("working API keys")
    parameter_name = "keys"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("some")), ("no", _("none"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        keys = Exists(ApiKey.objects.filter(_working(), user=OuterRef("pk")))
        conditions = {"yes": Q(keys), "no": ~Q(keys)}
        return queryset.filter(conditions.get(self.value() or "", Q()))


@admin.action(description=_("Revoke the chosen API keys"), permissions=["revoke"])
def revoke_chosen_keys(
    model_admin: ApiKeyAdmin, request: HttpRequest, queryset: QuerySet[ApiKey]
) -> HttpResponse | None:
    """Revoke the chosen keys, as staff."""
    asked = AskFirst(
        model_admin,
        request,
        queryset,
        action="revoke_chosen_keys",
        title=_("Revoke API keys"),
        button=_("Revoke them for good"),
    )
    if not asked.is_answered:
        return asked.page()
    with transaction.atomic():
        revoked = _revoke(Q(pk__in=[key.pk for key in asked.rows]))
        log_changes(
            request, [(key, f"Revoked a key of {key.user.email}: it worked until now.") for key in revoked]
        )
    _tell(model_admin, request, len(revoked))
    return None


@admin.action(description=_("Revoke all API keys of the chosen users"))
def revoke_keys_of_users(
    model_admin: Any, request: HttpRequest, queryset: QuerySet[User]
) -> HttpResponse | None:
    """Revoke every key of the chosen users, as staff."""
    asked = AskFirst(
        model_admin,
        request,
        queryset,
        action="revoke_keys_of_users",
        title=_("Revoke all API keys of these users"),
        button=_("Revoke them for good"),
    )
    if not asked.is_answered:
        return asked.page()
    with transaction.atomic():
        by_user: dict[User, list[str]] = defaultdict(list)
        for key in _revoke(Q(user__in=[user.pk for user in asked.rows])):
            by_user[key.user].append(f"{key.prefix}…")
        log_changes(
            request,
            [
                (user, f"API keys that work: {len(keys)} → 0; revoked {few_of(keys)}.")
                for user, keys in by_user.items()
            ],
        )
    _tell(model_admin, request, sum(map(len, by_user.values())))
    return None


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    # As keys are made; unlike their time, the row's id is indexed.
    ordering = ("-pk",)
    list_display = (
        "prefix",
        "title",
        "user",
        "created_at",
        "last_used_at",
        "expires_at",
        "revoked_at",
        "revoked_by",
    )
    list_filter = (StateFilter, "revoked_by", "created_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("prefix__startswith", "title", "user__email")
    search_help_text = _("beginning of the key, title, or e-mail address")
    exclude = ("digest",)
    actions: ClassVar = [revoke_chosen_keys]

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(_REVOKE)


def _revoke(chosen: Q) -> list[ApiKey]:
    """Revoke what works of the chosen; to be called in a transaction."""
    rows = ApiKey.objects.select_for_update(of=("self",)).select_related("user")
    keys = list(rows.filter(chosen, revoked_at__isnull=True).order_by("user_id", "pk"))
    revoke_keys(keys=[key.pk for key in keys], by=Revocation.STAFF)
    return keys


def _tell(model_admin: Any, request: HttpRequest, count: int) -> None:
    text = ngettext("%d API key was revoked.", "%d API keys were revoked.", count) % count
    model_admin.message_user(request, text, messages.SUCCESS)


def _of_user(rows: QuerySet[ApiKey], value: Any) -> Subquery:
    grouped = rows.filter(user=OuterRef("pk")).order_by().values("user").annotate(value=value)
    return Subquery(grouped.values("value"))


def _working_keys() -> dict[str, Any]:
    count = _of_user(ApiKey.objects.filter(_working()), Count("pk"))
    return {"working_keys": Coalesce(count, 0, output_field=IntegerField())}


register_user_column(
    UserColumn("working_keys", _("API keys"), _working_keys, lambda user: str(user.working_keys), _VIEW)
)
register_user_filter(HasKeysFilter, _VIEW)
register_user_action(revoke_keys_of_users, _REVOKE)
register_last_seen("key", lambda: _of_user(ApiKey.objects.all(), Max("last_used_at")))
