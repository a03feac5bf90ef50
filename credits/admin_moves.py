"""Credits that staff give and take in the list of users: through the ledger, with a reason, once a form."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.validators import RegexValidator
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core.admin import AskFirst, few_of, log_changes
from core.errors import DomainError
from credits.ledger import MOST_CREDITS, balance_of, grant_credits, revoke_credits
from credits.models import LedgerEntry

Move = Callable[..., LedgerEntry | None]


class MoveForm(forms.Form):
    """How much, and why.

    ``once`` names this very form: a form that is sent a second time moves nothing.
    """

    amount = forms.IntegerField(
        label=_("credits for each"),
        min_value=1,
        max_value=MOST_CREDITS,
        help_text=_("1 to 1,000,000"),
    )
    reason = forms.CharField(
        label=_("reason"), max_length=200, help_text=_("the user sees it, and so does all staff")
    )
    once = forms.CharField(
        widget=forms.HiddenInput,
        initial=lambda: secrets.token_urlsafe(16),
        validators=[RegexValidator(r"\A[\w-]{16,64}\Z")],
    )


@admin.action(description=_("Give the chosen users credits"))
def give_credits(model_admin: Any, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
    """Grant each of the chosen users the same amount."""
    asked = AskFirst(
        model_admin,
        request,
        queryset,
        action="give_credits",
        title=_("Give credits"),
        button=_("Give them"),
        form_type=MoveForm,
    )
    if not asked.is_answered:
        return asked.page()
    _move(model_admin, request, asked, grant_credits)
    return None


@admin.action(description=_("Take credits from the chosen users"))
def take_credits(model_admin: Any, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
    """Take the same amount from each of the chosen users; from whom it has less, nothing."""
    asked = AskFirst(
        model_admin,
        request,
        queryset,
        action="take_credits",
        title=_("Take credits"),
        button=_("Take them"),
        form_type=MoveForm,
    )
    if not asked.is_answered:
        return asked.page()
    _move(model_admin, request, asked, revoke_credits)
    return None


def _move(model_admin: Any, request: HttpRequest, asked: AskFirst, move: Move) -> None:
    """Move credits user by user: what cannot be done for one is told, and done for the others."""
    moved, repeated, failed = 0, 0, []
    for user in asked.rows:
        try:
            if _move_one(request, user, asked.form.cleaned_data, move):
                moved += 1
            else:
                repeated += 1
        except DomainError as error:
            failed.append(f"{user.email}: {error.message}")
    if moved:
        text = ngettext("Credits of %d user were moved.", "Credits of %d users were moved.", moved) % moved
        model_admin.message_user(request, text, messages.SUCCESS)
    if repeated:
        text = gettext("This form was sent before: nothing was moved a second time.")
        model_admin.message_user(request, text, messages.WARNING)
    if failed:
        text = gettext("Nothing was moved for %s") % few_of(failed)
        model_admin.message_user(request, text, messages.ERROR)


def _move_one(request: HttpRequest, user: User, data: dict[str, Any], move: Move) -> bool:
    """Whether credits were moved; the ledger's entry and the audit trail's are written together."""
    with transaction.atomic():
        entry = move(
            user_id=user.pk,
            amount=data["amount"],
            reason=data["reason"],
            actor=f"staff:{request.user.pk}",
            key=f"staff:{data['once']}:{user.pk}",
        )
        if entry is None:
            return False
        new = balance_of(user_id=user.pk)
        said = f"Balance: {new - entry.amount} → {new} ({entry.amount:+d} credits): {entry.reason}"
        log_changes(request, [(user, said)])
    return True
