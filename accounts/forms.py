"""Forms that pages and the JSON API share."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm as AllauthLoginForm
from allauth.account.forms import SignupForm as AllauthSignupForm
from allauth.account.internal.userkit import filter_users_by_email
from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import NAME_LENGTH, User


class LoginForm(AllauthLoginForm):  # type: ignore[misc]
    """Signing in with an address and a password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["remember"].initial = True
        self.fields["remember"].label = _("Stay signed in on this device")


class SignupForm(AllauthSignupForm):  # type: ignore[misc]
    """Signing up. Whether the address is known shows nowhere but in the mail that it gets."""

    field_order = ("name", "email", "password1")

    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "name", "placeholder": _("optional")}),
    )

    def validate_unique_email(self, value: str) -> str:
        """Remember whether the address is known, and refuse it in no mode: allauth would where mails are optional."""
        self.account_already_exists = bool(filter_users_by_email(value))
        return value

    def try_save(self, request: HttpRequest) -> tuple[None, HttpResponse]:
        """Register the account; the visitor is not signed in by that."""
        from accounts.services import register

        register(request=request, form=self)
        return None, HttpResponseRedirect(reverse("account_signed_up"))


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    """What a user may change of the own profile."""

    class Meta:
        model = User
        fields = ("name",)


class DeletionForm(forms.Form):
    """The proof that the account's owner wants it deleted: the password, else the address typed out."""

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        if user.has_usable_password():
            self.fields["password"] = forms.CharField(
                label=_("Password"),
                strip=False,
                widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
            )
        else:
            self.fields["email"] = forms.EmailField(
                label=_("Your e-mail address, to confirm"),
                widget=forms.EmailInput(attrs={"autocomplete": "off"}),
            )

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if email.lower() != self.user.email:
            raise forms.ValidationError(_("This is not the address of your account."))
        return email
