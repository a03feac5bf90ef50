"""Pages of the account besides those of allauth."""

from __future__ import annotations

from typing import Any

from allauth.account import app_settings
from allauth.account.views import ConfirmEmailView, PasswordResetFromKeyView
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import services
from accounts.errors import AccountKept, PasswordWrong
from accounts.forms import DeletionForm, ProfileForm
from accounts.models import User
from accounts.personal_data import export_personal_data
from accounts.selectors import user_facts


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """The first tab: who one is here."""
    user = _user(request)
    form = ProfileForm(request.POST if request.method == "POST" else None, instance=user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Your profile was saved."))
        return redirect("account")
    page = {"form": form, "facts": user_facts(User.objects.get(pk=user.pk)), "tier": user.get_tier_display()}
    return render(request, "accounts/profile.html", page)


@login_required
@never_cache
@require_safe
def export(request: HttpRequest) -> HttpResponse:
    """Everything that is stored of the user, as a file."""
    body = export_personal_data(_user(request))
    response = JsonResponse(body, json_dumps_params={"ensure_ascii": False, "indent": 2})
    response["Content-Disposition"] = 'attachment; filename="frameproof-account.json"'
    return response


@login_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest) -> HttpResponse:
    """Delete the account, after the password was asked for again."""
    user = _user(request)
    form = DeletionForm(request.POST if request.method == "POST" else None, user=user)
    if request.method == "POST" and form.is_valid():
        try:
            if user.has_usable_password():
                services.confirm_owner(request=request, user=user, password=form.cleaned_data["password"])
            services.delete_account(request=request, user=user)
        except PasswordWrong:
            form.add_error("password", _("This is not your password."))
        except AccountKept:
            form.add_error(None, _("Accounts of staff cannot be deleted here."))
        else:
            return render(request, "accounts/deleted.html", {"user": None})
    return render(request, "accounts/delete.html", {"form": form})


@login_required
@require_POST
def end_session(request: HttpRequest) -> HttpResponse:
    """End one of the sessions that the page lists."""
    services.end_session(request=request, user=_user(request), token=request.POST.get("token", ""))
    return redirect("usersessions_list")


@require_safe
def signed_up(request: HttpRequest) -> HttpResponse:
    """What to do after signing up: the same for a new and for a known address."""
    may_sign_in = app_settings.EMAIL_VERIFICATION == app_settings.EmailVerificationMethod.OPTIONAL
    return render(request, "accounts/signed_up.html", {"may_sign_in": may_sign_in})


class _LinkView:
    """A page behind a link of a mail: 400 where the link is not ours, too old, or was used."""

    def render_to_response(self, context: dict[str, Any], **response_kwargs: Any) -> HttpResponse:
        if context.get("token_fail") or ("confirmation" in context and not context["confirmation"]):
            response_kwargs["status"] = 400
        response: HttpResponse = super().render_to_response(context, **response_kwargs)  # type: ignore[misc]
        return response


class _PasswordResetFromKeyView(_LinkView, PasswordResetFromKeyView):  # type: ignore[misc]
    pass


class _ConfirmEmailView(_LinkView, ConfirmEmailView):  # type: ignore[misc]
    pass


password_reset_from_key = _PasswordResetFromKeyView.as_view()
confirm_email = _ConfirmEmailView.as_view()
