"""How allauth works here: our addresses in mails, our view of the client, our errors."""

from __future__ import annotations

import logging
from smtplib import SMTPException
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core import context as allauth_context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import limits
from accounts.client import client_of
from accounts.models import NAME_LENGTH, User
from core.errors import Unavailable

log = logging.getLogger(__name__)

SITE_NAME = "Frameproof"
#: Where nobody knows the client: all of them are counted together.
NO_ADDRESS = "0.0.0.0"  # noqa: S104 - nothing listens there
API_PREFIX = "/api/"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """allauth's account flows on this site."""

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_of(request) or NO_ADDRESS

    def is_ajax(self, request: HttpRequest) -> bool:
        """Never: allauth's pages are pages; the JSON API is ``accounts.api``."""
        return False

    def is_safe_url(self, url: str) -> bool:
        """Whether to go on to ``url`` after signing in: a path, or this very host."""
        request = allauth_context.request
        return url_has_allowed_host_and_scheme(
            url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )

    def add_message(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Nobody reads messages of an API call: they would come up on a page later on."""
        if not request.path.startswith(API_PREFIX):
            super().add_message(request, *args, **kwargs)

    def unstash_verified_email(self, request: HttpRequest) -> str | None:
        """As allauth's, without beginning a session: a cookie would tell a new address from a known one."""
        found: str | None = request.session.get("account_verified_email")
        if found is not None:
            del request.session["account_verified_email"]
        return found

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        user.name = form.cleaned_data.get("name", "")
        saved: User = super().save_user(request, user, form, commit=commit)
        return saved

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            raise limits.too_many("login_failed") from None

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """The account alone: allauth adds the request's host, and a site of two names would count twice."""
        return str(credentials.get("email", credentials.get("username", ""))).lower()

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """Take an address as verified, unless it has become another account's meanwhile."""
        taken = User.objects.filter(email__iexact=email_address.email).exclude(pk=email_address.user_id)
        if taken.exists():
            self.add_message(
                request,
                messages.ERROR,
                "account/messages/email_confirmation_failed.txt",
                {"email": email_address.email},
            )
            return False
        return bool(super().confirm_email(request, email_address))

    def logout(self, request: HttpRequest) -> None:
        UserSession.objects.filter(session_key=request.session.session_key or "").delete()
        super().logout(request)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a mail whose links lead to ``SITE_URL`` where that is set, else to the host of the request.

        Raises:
            Unavailable: the mail server does not take it.
        """
        site = urlsplit(settings.SITE_URL or f"//{allauth_context.request.get_host()}")
        context = {
            **{
                name: public_url(value) if name.endswith("_url") else value for name, value in context.items()
            },
            "current_site": SimpleNamespace(name=SITE_NAME, domain=site.netloc),
        }
        try:
            super().send_mail(template_prefix, email, context)
        except (SMTPException, OSError) as error:
            log.exception("a mail could not be sent")
            raise Unavailable from error

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Tell of a change that is done: it stays done where the mail cannot be sent."""
        try:
            super().send_notification_mail(*args, **kwargs)
        except Unavailable:
            log.warning("a user was not told of a change of the account")


def public_url(url: str) -> str:
    """An absolute address of this site, on ``SITE_URL`` where that is set."""
    if not settings.SITE_URL:
        return url
    own, given = urlsplit(settings.SITE_URL), urlsplit(url)
    return urlunsplit((own.scheme, own.netloc, own.path + given.path, given.query, given.fragment))


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """The second factor on this site."""

    def get_totp_issuer(self) -> str:
        return SITE_NAME


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Accounts that a provider signs in."""

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: dict[str, Any]) -> User:
        user: User = super().populate_user(request, sociallogin, data)
        parts = (data.get("first_name"), data.get("last_name"))
        user.name = (data.get("name") or " ".join(part for part in parts if part))[:NAME_LENGTH]
        return user
