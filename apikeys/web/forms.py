"""The form of a new key."""

from __future__ import annotations

import secrets
from datetime import UTC, date, datetime, time, timedelta

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apikeys.models import TITLE_LENGTH
from core.clock import today

#: A key that shall live longer has no last day at all.
MOST_DAYS = 3660


class NewKeyForm(forms.Form):
    """A title, and perhaps a last day."""

    title = forms.CharField(
        label=pgettext_lazy("of a key", "Title"),
        max_length=TITLE_LENGTH,
        help_text=_("What the key is for: you see it in the list."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    last_day = forms.DateField(
        label=_("Last day"),
        required=False,
        help_text=_("Optional. The key works until the end of this day (UTC)."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )

    once = forms.CharField(
        required=False,
        widget=forms.HiddenInput,
        initial=lambda: secrets.token_urlsafe(16),
        validators=[RegexValidator(r"\A[\w-]{16,64}\Z")],
    )

    def clean_title(self) -> str:
        title: str = self.cleaned_data["title"]
        if not title.isprintable():
            raise forms.ValidationError(_("Only printable characters, please."))
        return title

    def clean_last_day(self) -> date | None:
        day: date | None = self.cleaned_data["last_day"]
        if day is not None and not today() <= day <= today() + timedelta(days=MOST_DAYS):
            raise forms.ValidationError(_("A day from today on, within ten years."))
        return day

    @property
    def expires_at(self) -> datetime | None:
        """The end of the last day."""
        day: date | None = self.cleaned_data["last_day"]
        return None if day is None else datetime.combine(day + timedelta(days=1), time.min, tzinfo=UTC)
