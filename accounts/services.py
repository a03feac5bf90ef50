"""What happens to accounts: signing up and in, passwords, sessions, the end.

These services take the request, other than those of other apps: allauth's flows read the session off it and write
to it, and it is their limits, records and signals that hold for the pages and for the JSON API alike.
"""

from __future__ import annotations

import contextlib
import uuid

from allauth.account.adapter import get_adapter
from allauth.account.forms import ChangePasswordForm, ResetPasswordForm, ResetPasswordKeyForm, UserTokenForm
from allauth.account.internal import flows
from allauth.account.internal.stagekit import clear_login, get_pending_stage
from allauth.account.internal.userkit import filter_users_by_email
from allauth.account.models import EmailAddress
from allauth.account.signals import user_signed_up
from allauth.account.stages import EmailVerificationStage, LoginStageController
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.stages import AuthenticateStage
from allauth.usersessions.internal.flows.sessions import end_other_sessions
from allauth.usersessions.models import UserSession
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.forms import BaseForm
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from accounts import limits
from accounts.errors import (
    AccountDisabled,
    AccountKept,
    CodeInvalid,
    CredentialsInvalid,
    EmailInvalid,
    EmailUnverified,
    FieldInvalid,
    PasswordTooLong,
    PasswordTooShort,
    PasswordTooWeak,
    PasswordWrong,
    SecondFactorNotAsked,
    TokenInvalid,
)
from accounts.forms import LoginForm, SignupForm
from accounts.models import User
from accounts.personal_data import erase_personal_data
from accounts.selectors import UserFacts, session_token
from core.clock import now
from core.errors import DomainError

_PASSWORD_ERRORS: dict[str, type[DomainError]] = {
    "password_too_short": PasswordTooShort,
    "password_too_long": PasswordTooLong,
    "password_too_common": PasswordTooWeak,
    "password_too_similar": PasswordTooWeak,
    "password_entirely_numeric": PasswordTooWeak,
    "enter_current_password": PasswordWrong,
}


def create_user(*, email: str, password: str | None, name: str = "", verified: bool = True) -> User:
    """Make an account by hand, for operators: no mail is sent.

    Raises:
        IntegrityError: the address has an account.
    """
    with transaction.atomic():
        user = User.objects.create_user(email, password, name=name)
        EmailAddress.objects.create(user=user, email=user.email, verified=verified, primary=True)
    return user


def sign_up(*, request: HttpRequest, name: str, email: str, password: str) -> UserFacts:
    """Make an account, or tell the owner of the address by mail that there is one: the caller learns neither.

    Returns:
        The new account; of a known address, what it would have been.

    Raises:
        TooManyAttempts, EmailInvalid, PasswordTooShort, PasswordTooLong, PasswordTooWeak: as the names say.
        Unavailable: the mail cannot be sent.
    """
    limits.consume(request, action="signup")
    form = SignupForm({"name": name, "email": email, "password1": password})
    _validate(form, email_field="email")
    user = register(request=request, form=form)
    return UserFacts(
        id=str(user.public_id if user else uuid.uuid4()),
        name=form.cleaned_data["name"],
        email=form.cleaned_data["email"],
        is_verified=False,
        created_at=user.date_joined if user else now(),
    )


def register(*, request: HttpRequest, form: SignupForm) -> User | None:
    """Make the account of a valid form; of a known address, only write to it. Both take one hash and one mail.

    Returns:
        The account, or None where the address was known.

    Raises:
        Unavailable: the mail cannot be sent.
    """
    email: str = form.cleaned_data["email"]
    user: User | None = None
    if form.account_already_exists:
        make_password(form.cleaned_data["password1"])
    else:
        # Somebody may have been faster, with the same address.
        with contextlib.suppress(IntegrityError), transaction.atomic():
            user = form.save(request)
    if user is None:
        address = EmailAddress(user=None, email=email)
    else:
        user_signed_up.send(sender=User, request=request, user=user)
        address = EmailAddress.objects.get(user=user, email=email)
    flows.email_verification.send_verification_email_to_address(request, address, signup=True)
    return user


def sign_in(*, request: HttpRequest, email: str, password: str, remember: bool = True) -> User | None:
    """Sign in; whoever was signed in before in this session is signed out.

    Returns:
        The user; None where a code of the second factor is needed first: :func:`verify_second_factor`.

    Raises:
        TooManyAttempts, CredentialsInvalid, AccountDisabled: as the names say.
        EmailUnverified: the password is right; another mail was sent, unless one was sent just before.
        Unavailable: the mail cannot be sent.
    """
    limits.consume(request, action="login")
    form = LoginForm({"login": email, "password": password, "remember": remember}, request=request)
    if not form.is_valid():
        raise CredentialsInvalid
    if request.user.is_authenticated:
        flows.logout.logout(request, show_message=False)
    form.login(request)
    if request.user.is_authenticated:
        return _signed_in(request)
    stage = get_pending_stage(request)
    if stage is not None and stage.key == AuthenticateStage.key:
        return None
    clear_login(request)
    request.session.flush()
    if stage is not None and stage.key == EmailVerificationStage.key:
        raise EmailUnverified
    raise AccountDisabled


def verify_second_factor(*, request: HttpRequest, code: str) -> User:
    """End a sign-in that waits for a code: of the authenticator app, or a recovery code.

    Raises:
        SecondFactorNotAsked, CodeInvalid, TooManyAttempts: as the names say.
    """
    stage = LoginStageController.enter(request, AuthenticateStage.key)
    if stage is None or stage.login.user is None:
        raise SecondFactorNotAsked
    form = AuthenticateForm({"code": code}, user=stage.login.user)
    if not form.is_valid():
        if form.has_error("code", "too_many_login_attempts"):
            raise limits.too_many("login_failed")
        raise CodeInvalid
    form.save()
    stage.exit()
    if not request.user.is_authenticated:
        raise SecondFactorNotAsked
    return _signed_in(request)


def sign_out(*, request: HttpRequest) -> None:
    """End this session; harmless where nobody is signed in."""
    flows.logout.logout(request, show_message=False)
    request.session.flush()


def request_password_reset(*, request: HttpRequest, email: str) -> None:
    """Send a link to set another password; an address without an account gets a mail that says so.

    Raises:
        TooManyAttempts, EmailInvalid: as the names say.
        Unavailable: the mail cannot be sent.
    """
    limits.consume(request, action="reset_password", key=email.lower())
    form = ResetPasswordForm({"email": email})
    _validate(form, email_field="email")
    form.save(request)


def reset_password(*, request: HttpRequest, token: str, password: str) -> None:
    """Set another password with the token of a mail; every session of the account ends.

    Raises:
        TooManyAttempts, TokenInvalid, PasswordTooShort, PasswordTooLong, PasswordTooWeak: as the names say.
    """
    limits.consume(request, action="reset_password_from_key")
    uid, _, key = token.partition("-")
    link = UserTokenForm({"uidb36": uid, "key": key})
    if not link.is_valid():
        raise TokenInvalid
    user = link.reset_user
    form = ResetPasswordKeyForm({"password1": password, "password2": password}, user=user, temp_key=key)
    _validate(form)
    form.save()
    flows.password_reset.finalize_password_reset(request, user)


def change_password(*, request: HttpRequest, user: User, current: str, new: str) -> None:
    """Set another password; this session goes on, and all others of the account end.

    Raises:
        TooManyAttempts, PasswordWrong, PasswordTooShort, PasswordTooLong, PasswordTooWeak: as the names say.
    """
    limits.consume(request, action="change_password", user=user)
    fields = {"oldpassword": current, "password1": new, "password2": new}
    form = ChangePasswordForm(data=fields, user=user)
    _validate(form)
    form.save()
    flows.password_change.finalize_password_change(request, user)
    end_other_sessions(request, user)


def send_verification(*, request: HttpRequest, email: str) -> None:
    """Send the mail that verifies an address again, at most once in a few minutes.

    Whether the address has an account, and whether it is verified, shows in the mail alone.

    Raises:
        Unavailable: the mail cannot be sent.
    """
    limits.consume(request, action="reset_password", key=email.lower())
    users = filter_users_by_email(email, is_active=True)
    address = EmailAddress.objects.filter(user__in=users, email=email.lower(), verified=False).first()
    if address is None and (user := next(iter(users), None)) is not None:
        address = flows.manage_email.sync_user_email_address(user)
    flows.email_verification.send_verification_email_to_address(
        request, address or EmailAddress(user=None, email=email.lower()), signup=bool(users)
    )


def end_session(*, request: HttpRequest, user: User, token: str) -> None:
    """End one of a user's sessions; a token that names none of them ends nothing."""
    for session in UserSession.objects.filter(user=user):
        if constant_time_compare(session_token(session.session_key), token):
            if session.session_key == request.session.session_key:
                sign_out(request=request)
            else:
                session.end()


def end_sessions(*, request: HttpRequest, user: User, with_current: bool) -> None:
    """End a user's other sessions, or all of them."""
    end_other_sessions(request, user)
    if with_current:
        sign_out(request=request)


def confirm_owner(*, request: HttpRequest, user: User, password: str) -> None:
    """Ask a signed-in user for the password again.

    Raises:
        PasswordWrong, TooManyAttempts: as the names say.
    """
    if not get_adapter(request).reauthenticate(user, password):
        raise PasswordWrong


def delete_account(*, request: HttpRequest, user: User) -> None:
    """Delete an account with everything that is its owner's; what must be kept is kept without the owner.

    Raises:
        AccountKept: it is an account of staff.
    """
    if user.is_staff:
        raise AccountKept
    keys = list(UserSession.objects.filter(user=user).values_list("session_key", flat=True))
    with transaction.atomic():
        erase_personal_data(user)
        Session.objects.filter(session_key__in=keys).delete()
        User.objects.filter(pk=user.pk).delete()
    request.session.flush()


def _signed_in(request: HttpRequest) -> User:
    user = request.user
    assert isinstance(user, User)
    return user


def _validate(form: BaseForm, *, email_field: str = "") -> None:
    """Raise what is wrong with a form, in words of the domain."""
    if form.is_valid():
        return
    codes = [error.code or "" for errors in form.errors.as_data().values() for error in errors]
    for code in codes:
        if code in _PASSWORD_ERRORS:
            raise _PASSWORD_ERRORS[code]
    if email_field in form.errors:
        raise EmailInvalid
    raise FieldInvalid
