"""Analyses for staff: to look through, to cancel, to have done again. What they were of stays their owners' affair."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from core.admin import AskFirst, ReadOnlyAdmin, few_of, log_changes
from core.errors import DomainError
from deepfake.addresses import host_of
from deepfake.models import Analysis
from deepfake.services import cancel_analyses, repeat_analysis

_CHANGE = "deepfake.change_analysis"


@admin.action(description=_("Cancel the chosen analyses"), permissions=["change_state"])
def cancel_chosen(
    model_admin: AnalysisAdmin, request: HttpRequest, queryset: QuerySet[Analysis]
) -> HttpResponse | None:
    """Cancel and refund what is open of the chosen analyses."""
    asked = AskFirst(
        model_admin,
        request,
        queryset,
        action="cancel_chosen",
        title=_("Cancel analyses"),
        button=_("Cancel and refund them"),
    )
    if not asked.is_answered:
        return asked.page()
    with transaction.atomic():
        cancelled = cancel_analyses(ids=[row.pk for row in asked.rows])
        log_changes(request, [(row, f"Status: {row.status} → cancelled.") for row in cancelled])
    text = ngettext("%d analysis was cancelled.", "%d analyses were cancelled.", len(cancelled))
    model_admin.message_user(request, text % len(cancelled), messages.SUCCESS)
    return None


@admin.action(description=_("Analyse the chosen ones again, at no cost"), permissions=["change_state"])
def repeat_chosen(
    model_admin: AnalysisAdmin, request: HttpRequest, queryset: QuerySet[Analysis]
) -> HttpResponse | None:
    """Have the chosen analyses done again, each as a new one of its owner's."""
    asked = AskFirst(
        model_admin,
        request,
        queryset,
        action="repeat_chosen",
        title=_("Analyse again"),
        button=_("Analyse again, at no cost"),
    )
    if not asked.is_answered:
        return asked.page()
    done: list[tuple[Analysis, str]] = []
    refused: list[str] = []
    for row in asked.rows:
        try:
            again = repeat_analysis(analysis_id=row.pk)
        except DomainError as error:
            refused.append(f"{row.public_id} ({error.message})")
        else:
            done.append((row, f"Analysed again as {again.public_id}."))
    log_changes(request, done)
    text = ngettext("%d analysis is done again.", "%d analyses are done again.", len(done))
    model_admin.message_user(request, text % len(done), messages.SUCCESS if done else messages.INFO)
    if refused:
        model_admin.message_user(request, _("Not done again: %s") % few_of(refused), messages.WARNING)
    return None


@admin.register(Analysis)
class AnalysisAdmin(ReadOnlyAdmin):
    # As they are asked for; unlike their time, the row's id is indexed for all of them.
    ordering = ("-pk",)
    list_display = (
        "public_id",
        "created_at",
        "owner",
        "source_type",
        "host",
        "status",
        "result",
        "prob_fake",
        "error_code",
        "error_reason",
        "model_version",
        "processing_time_ms",
        "attempts",
    )
    list_filter = (
        "created_at",
        "status",
        "result",
        "manipulation",
        "source_type",
        "error_code",
        "error_reason",
        "model_version",
    )
    list_select_related = ("owner",)
    search_fields = ("=public_id", "=owner__email", "=model_sha256")
    search_help_text = _("id, e-mail address of the owner, or SHA-256 of the model")
    fields: ClassVar = (
        "public_id",
        "owner",
        "api_key_id",
        "source_type",
        "host",
        ("status", "stage", "share"),
        ("attempts", "worker", "leased_until"),
        ("result", "prob_fake", "manipulation"),
        ("model_name", "model_version", "model_sha256"),
        ("error_code", "error_reason", "error_message"),
        "admission_id",
        ("created_at", "started_at", "ended_at", "processing_time_ms"),
        "evidence_shown",
    )
    actions: ClassVar = [cancel_chosen, repeat_chosen]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Analysis]:
        rows: QuerySet[Analysis] = super().get_queryset(request)
        resolved = request.resolver_match
        # A page of a hundred has no use for a megabyte of evidence.
        is_list = resolved is not None and str(resolved.url_name).endswith("_changelist")
        return rows.defer("evidence") if is_list else rows

    def has_change_state_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(_CHANGE)

    @admin.display(description=_("host"))
    def host(self, row: Analysis) -> str:
        """Of the address, which itself is shown to its owner only."""
        return host_of(row.source_url)

    @admin.display(description=_("evidence"))
    def evidence_shown(self, row: Analysis) -> SafeString | str:
        shown: Any = row.evidence
        return (
            "–"
            if shown is None
            else format_html("<pre>{}</pre>", json.dumps(shown, indent=1, ensure_ascii=False))
        )
