"""Users for staff, and what other apps have to say and do in their list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db import transaction
from django.db.models import DateTimeField, F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Greatest
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import Tier, User
from accounts.personal_data import erase_personal_data
from accounts.tiers import set_tier
from core.admin import AskFirst, AuditedAdmin, few_of, log_changes

# They are shown with their user, or are none of the staff's business: keys of sessions, secrets of providers.
admin.site.unregister([Authenticator, EmailAddress, SocialAccount, SocialApp, SocialToken, UserSession])

Action = Callable[[Any, HttpRequest, "QuerySet[User]"], HttpResponse | None]
#: No account is older: what stands for never where the database looks for the latest of several times.
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class UserColumn:
    """A column of the list of users that another app fills.

    Attributes:
        name: of the column, and of the annotation that it is sorted by.
        title: above the column.
        values: gives what the column needs of the database, by name of the annotation; asked at each request,
            because days go by.
        show: the cell of a user who has the annotations.
        permission: without it nobody sees the column.
    """

    name: str
    title: Any
    values: Callable[[], dict[str, Any]]
    show: Callable[[Any], str]
    permission: str


_columns: dict[str, UserColumn] = {}
_actions: dict[str, tuple[Action, str]] = {}
_filters: dict[str, tuple[type[admin.SimpleListFilter], str]] = {}
_seen: dict[str, Callable[[], Any]] = {}


def register_user_column(column: UserColumn) -> None:
    """Add a column to the list of users; called from another app's ``admin``."""
    _columns[column.name] = column


def register_user_action(action: Action, permission: str) -> None:
    """Add an action to the list of users, for those who have the permission."""
    _actions[action.__name__] = (action, permission)


def register_user_filter(list_filter: type[admin.SimpleListFilter], permission: str) -> None:
    """Add a filter to the list of users, for those who have the permission."""
    _filters[str(list_filter.parameter_name)] = (list_filter, permission)


def register_last_seen(name: str, expression: Callable[[], Any]) -> None:
    """Add a trace that users leave: the latest of all is when a user was seen last.

    Args:
        expression: gives the time of a user's row as an expression, null where there is no trace.
    """
    _seen[name] = expression


class EmailAddressInline(admin.TabularInline):
    """Addresses: staff can take one as verified for somebody whom no mail reaches."""

    model = EmailAddress
    fields = ("email", "verified", "primary")
    extra = 0


class AuthenticatorInline(admin.TabularInline):
    """Second factors: staff can take one away from somebody who has lost it."""

    model = Authenticator
    fields = readonly_fields = ("type", "created_at", "last_used_at")
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class TierForm(forms.Form):
    tier = forms.ChoiceField(choices=Tier.choices)


@admin.action(description=_("Change the tier of the chosen users"), permissions=["change"])
def change_tier(
    model_admin: UserAdmin, request: HttpRequest, queryset: QuerySet[User]
) -> HttpResponse | None:
    """Put the chosen users into a tier."""
    asked = AskFirst(
        model_admin,
        request,
        queryset,
        action="change_tier",
        title=_("Change the tier"),
        button=_("Change the tier"),
        form_type=TierForm,
    )
    if not asked.is_answered:
        return asked.page()
    tier = Tier(asked.form.cleaned_data["tier"])
    refused = [user for user in asked.rows if not model_admin.has_change_permission(request, user)]
    allowed = [user.pk for user in asked.rows if user not in refused]
    with transaction.atomic():
        users = User.objects.select_for_update().filter(pk__in=allowed).exclude(tier=tier).order_by("pk")
        was = [(user, Tier(user.tier).label) for user in users]
        set_tier(user_ids=[user.pk for user, _ in was], tier=tier)
        log_changes(request, [(user, f"Tier: {old} → {tier.label}.") for user, old in was])
    text = ngettext("The tier of %d user was changed.", "The tier of %d users was changed.", len(was))
    model_admin.message_user(request, text % len(was), messages.SUCCESS)
    if refused:
        names = few_of(user.email for user in refused)
        model_admin.message_user(request, _("You may not change: %s") % names, messages.ERROR)
    return None


@admin.register(User)
class UserAdmin(AuditedAdmin, DjangoUserAdmin):
    ordering = ("email",)
    list_display = ("email", "tier", "last_seen", "joined", "is_active", "is_staff")
    list_filter = ("tier", "is_active", "is_staff", "date_joined")
    search_fields = ("email", "name", "=id", "=public_id")
    search_help_text = _("e-mail address, name, or id")
    show_full_result_count = False
    actions: ClassVar = [change_tier]
    inlines = (EmailAddressInline, AuthenticatorInline)
    readonly_fields = ("public_id", "last_login", "date_joined")
    fieldsets: ClassVar = (
        (None, {"fields": ("email", "password", "tier")}),
        (_("Personal info"), {"fields": ("name", "public_id")}),
        (
            _("Permissions"),
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        (_("Important dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets: ClassVar = (
        (None, {"fields": ("email", "tier", "usable_password", "password1", "password2")}),
    )

    def get_inlines(self, request: HttpRequest, obj: User | None) -> tuple[type[admin.TabularInline], ...]:
        """Nothing yet of a user who is being added."""
        return self.inlines if obj else ()

    @admin.display(description=_("last seen"), ordering="last_seen_at")
    def last_seen(self, user: Any) -> str:
        """The day: of use within a session only the day is known."""
        return "–" if user.last_seen_at == _NEVER else user.last_seen_at.date().isoformat()

    @admin.display(description=_("joined"), ordering="date_joined")
    def joined(self, user: User) -> str:
        return user.date_joined.date().isoformat()

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        traces = [Coalesce(each(), Value(_NEVER), output_field=DateTimeField()) for each in _seen.values()]
        values = {"last_seen_at": Greatest(*traces)}
        for column in self._visible_columns(request):
            values |= column.values()
        users: QuerySet[User] = super().get_queryset(request).annotate(**values)
        return users

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        first, *rest = self.list_display[1:]
        return [self.list_display[0], first, *map(_cell, self._visible_columns(request)), *rest]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        allowed = [each for each, permission in _filters.values() if request.user.has_perm(permission)]
        return [*self.list_filter, *allowed]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        for name, (action, permission) in _actions.items():
            if IS_POPUP_VAR not in request.GET and request.user.has_perm(permission):
                actions[name] = (action, name, getattr(action, "short_description", name))
        return actions

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Only superusers make staff: whoever may change users could else give themselves every right."""
        fields = tuple(super().get_readonly_fields(request, obj))
        if request.user.is_superuser:
            return fields
        return (*fields, "is_staff", "is_superuser", "groups", "user_permissions")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Only superusers change staff: a new password or address is a way into another's account."""
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, ...]:
        """What is a user's own goes with the user, whoever may delete it alone; the audit trail stays."""
        deleted, counts, needed, protected = super().get_deleted_objects(objs, request)
        decisive = {self.opts.verbose_name, self.admin_site.get_model_admin(LogEntry).opts.verbose_name}
        return deleted, counts, {name for name in needed if name in decisive}, protected

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        with transaction.atomic():
            erase_personal_data(obj)
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in User.objects.filter(pk__in=list(queryset.values_list("pk", flat=True))):
            self.delete_model(request, user)

    def _visible_columns(self, request: HttpRequest) -> list[UserColumn]:
        return [column for column in _columns.values() if request.user.has_perm(column.permission)]


def _cell(column: UserColumn) -> Callable[[Any], str]:
    def cell(user: Any) -> str:
        return column.show(user)

    cell.__name__ = column.name
    return admin.display(cell, description=column.title, ordering=column.name)


def _may_touch(request: HttpRequest, user: User | None) -> bool:
    return user is None or request.user.is_superuser or not (user.is_staff or user.is_superuser)


def _last_session() -> Subquery[Any]:
    sessions = UserSession.objects.filter(user=OuterRef("pk")).order_by("-last_seen_at")
    return Subquery(sessions.values("last_seen_at")[:1])


register_last_seen("sign-in", lambda: F("last_login"))
register_last_seen("session", _last_session)
