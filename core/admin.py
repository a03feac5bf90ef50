"""What the admin of every app stands on: rows that are only looked at, the audit trail, actions that ask first."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.utils import construct_change_message
from django.contrib.contenttypes.models import ContentType
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

#: Rows that one action changes at most: each of them gets an entry of the audit trail.
MOST_CHOSEN = 1_000
#: Rows that a list pages through; whoever looks for an older one searches or filters.
MOST_LISTED = 10_000
#: Names that a message tells before it only counts the others.
MOST_NAMED = 10
#: Digits of the largest row id that every database takes.
_ID_DIGITS = 18


class CappedPaginator(Paginator):
    """Pages of the first rows of a table that may have millions, which would take long to be counted."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.values("pk")[:MOST_LISTED].count())


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that come from the site's use alone: staff look at them."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = CappedPaginator

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class AuditedAdmin(admin.ModelAdmin):
    """Rows whose changes the audit trail tells with old and new values."""

    def construct_change_message(
        self, request: HttpRequest, form: forms.Form, formsets: Any, add: bool = False
    ) -> Any:
        message = construct_change_message(form, formsets, add)
        if add:
            return message
        parts = [_change_of(form, name) for name in form.changed_data]
        if of_others := [part for part in message if "name" in next(iter(part.values()))]:
            parts.append(LogEntry(change_message=json.dumps(of_others)).get_change_message())
        return " ".join(parts)


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    """The audit trail: what staff did here, whoever they are now."""

    ordering = ("-pk",)
    list_display = ("action_time", "user", "content_type", "object_repr", "action_flag", "sentence")
    list_filter = (
        "action_time",
        "action_flag",
        ("content_type", admin.RelatedOnlyFieldListFilter),
        ("user", admin.RelatedOnlyFieldListFilter),
    )
    list_select_related = ("user", "content_type")
    search_fields = ("object_repr", "change_message", "=user__email", "=object_id")
    fields: ClassVar = (
        "action_time",
        "user",
        "content_type",
        "object_id",
        "object_repr",
        "action_flag",
        "sentence",
    )

    @admin.display(description=_("what was done"))
    def sentence(self, entry: LogEntry) -> str:
        return entry.get_change_message()


def log_changes(request: HttpRequest, changes: Iterable[tuple[Model, str]]) -> None:
    """Enter into the audit trail what a member of staff did, one entry a row.

    Args:
        changes: rows, each with a sentence that tells old and new values.
    """
    LogEntry.objects.bulk_create(
        LogEntry(
            user_id=request.user.pk,
            content_type=ContentType.objects.get_for_model(row),
            object_id=row.pk,
            object_repr=str(row)[:200],
            action_flag=CHANGE,
            change_message=sentence,
        )
        for row, sentence in changes
    )


def few_of(names: Iterable[str]) -> str:
    """The first of many names, and how many more there are."""
    told = list(names)
    shown, more = ", ".join(told[:MOST_NAMED]), len(told) - MOST_NAMED
    return shown if more <= 0 else gettext("%(names)s and %(more)d more") % {"names": shown, "more": more}


class AskFirst:
    """The page between an action of a list and its work: it names the rows, and asks what the work needs.

    The list posts the chosen rows to the action, which shows the page; the page posts them to the same action
    once more, with the answers.

    Attributes:
        rows: what was chosen.
        form: has its ``cleaned_data`` where ``is_answered``.
        is_answered: whether the answers are there, and valid.
    """

    def __init__(
        self,
        model_admin: admin.ModelAdmin,
        request: HttpRequest,
        queryset: QuerySet[Any],
        *,
        action: str,
        title: object,
        button: object,
        form_type: type[forms.Form] = forms.Form,
    ) -> None:
        self._admin, self._request = model_admin, request
        self._texts = {"action": action, "title": title, "button": button}
        sent = request.POST.get("chosen")
        ids = queryset.order_by("pk").values_list("pk", flat=True) if sent is None else _row_ids(sent)
        # As the table has them: the list's own query carries columns that are none of the action's business.
        chosen: QuerySet[Any] = QuerySet(model_admin.model).filter(pk__in=list(ids[: MOST_CHOSEN + 1]))
        self.rows: list[Any] = list(chosen.order_by("pk"))
        self.form = form_type() if sent is None else form_type(request.POST)
        self.is_answered = sent is not None and self._complaint == "" and self.form.is_valid()

    @property
    def _complaint(self) -> str:
        if not self.rows:
            return gettext("Nothing that still exists was chosen. Nothing was changed.")
        if len(self.rows) > MOST_CHOSEN:
            return gettext("At most %d rows can be changed at a time. Nothing was changed.") % MOST_CHOSEN
        return ""

    def page(self) -> TemplateResponse | None:
        """The page itself; None, which leads back to the list, where the choice is at fault."""
        if self._complaint:
            self._admin.message_user(self._request, self._complaint, messages.ERROR)
            return None
        return TemplateResponse(
            self._request,
            "admin/ask_first.html",
            {
                **self._admin.admin_site.each_context(self._request),
                **self._texts,
                "opts": self._admin.opts,
                "media": self._admin.media,
                "form": self.form,
                "rows": self.rows[:MOST_NAMED],
                "more": max(0, len(self.rows) - MOST_NAMED),
                "count": len(self.rows),
                "chosen": ",".join(str(row.pk) for row in self.rows),
            },
        )


def _row_ids(text: str) -> list[int]:
    parts = text.split(",")[: MOST_CHOSEN + 1]
    return [int(part) for part in parts if part.isascii() and part.isdigit() and len(part) <= _ID_DIGITS]


def _change_of(form: forms.Form, name: str) -> str:
    """``Tier: Free → Pro.``; of a password, which no form has as one field, only that it changed."""
    if name not in form.fields:
        return gettext("Changed %s.") % name
    bound, new = form[name], form.cleaned_data.get(name)
    return f"{bound.label}: {_shown(form.fields[name], bound.initial)} → {_shown(form.fields[name], new)}."


def _shown(field: forms.Field, value: Any) -> str:
    if value is None or value == "":
        return gettext("none")
    if isinstance(value, (list, tuple, set, QuerySet)):
        return ", ".join(sorted(str(each) for each in value)) or gettext("none")
    if isinstance(field, forms.ChoiceField) and not isinstance(field, forms.ModelChoiceField):
        return str(dict(field.choices).get(value, value))  # type: ignore[arg-type]
    return str(value)
