"""What the JSON API of accounts takes and answers, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_noop as _

from accounts import errors
from accounts.api.errors import MediaTypeUnsupported
from core.errors import DomainError
from core.openapi import (
    GUEST,
    SESSION,
    Answer,
    Operation,
    Sample,
    Schema,
    flag,
    list_of,
    or_null,
    record,
    ref,
    text,
)
from core.surfaces import BodyMalformed, BodyTooLarge

_USER: Final = {
    "id": "0a1b2c3d4e5f",
    "email": "you@example.org",
    "name": "You",
    "image": None,
    "emailVerified": True,
    "createdAt": "2026-01-01T12:30:00.000Z",
    "updatedAt": "2026-01-01T12:30:00.000Z",
}
_SESSION: Final = {
    "id": "3f2a9c",
    "userId": "0a1b2c3d4e5f",
    "token": "3f2a9c…",
    "expiresAt": "2026-01-15T12:30:00.000Z",
    "createdAt": "2026-01-01T12:30:00.000Z",
    "updatedAt": "2026-01-01T12:30:00.000Z",
    "ipAddress": "203.0.113.9",
    "userAgent": "curl/8.5.0",
}
_MOMENT: Final = text(format="date-time")
SCHEMAS: Final[dict[str, Schema]] = {
    "AccountError": record(
        {"code": text(_("A stable name for a program.")), "message": text(_("A sentence for a person."))}
    ),
    "AccountUser": record(
        {
            "id": text(),
            "email": text(format="email"),
            "name": text(),
            "image": {"type": "null", "description": _("Pictures are not kept.")},
            "emailVerified": flag(_("Whether the address was confirmed by its mail.")),
            "createdAt": _MOMENT,
            "updatedAt": _MOMENT,
        }
    ),
    "AccountSession": record(
        {
            "id": text(),
            "userId": text(),
            "token": text(_("Names the session, to revoke it by; it signs nobody in.")),
            "expiresAt": _MOMENT,
            "createdAt": _MOMENT,
            "updatedAt": _MOMENT,
            "ipAddress": or_null(text()),
            "userAgent": or_null(text()),
        }
    ),
    "SignedIn": record(
        {
            "redirect": flag(_("Whether to go on to “url”.")),
            "url": text(_("Where the request wanted to go on to.")),
            "token": or_null(text(_("Names the session; the cookie of the answer is what signs in."))),
            "user": ref("AccountUser"),
        },
        optional=("redirect", "url"),
    ),
    "SecondFactorWanted": record(
        {"twoFactorRedirect": flag(), "twoFactorMethods": list_of(text(enum=["totp"]))}
    ),
}

_STATUS: Final = record({"status": flag()})
_PASSWORD_FAULTS: Final = (errors.PasswordTooShort, errors.PasswordTooLong, errors.PasswordTooWeak)
_CALLBACK: Final = text(_("Where to go on to, on this site."))


def _post(
    path: str,
    name: str,
    summary: str,
    fields: dict[str, Schema],
    answer: Answer,
    *,
    faults: tuple[type[DomainError], ...] = (),
    sample: dict[str, Any] | None = None,
    optional: tuple[str, ...] = (),
    description: str = "",
    needs_session: bool = False,
    shows_cookie: bool = False,
    is_own: bool = True,
) -> Operation:
    of_a_body = (BodyMalformed, errors.FieldInvalid, BodyTooLarge, MediaTypeUnsupported) if fields else ()
    of_a_session = (errors.SessionMissing,) if needs_session else ()
    return Operation(
        method="post",
        path=f"/api/auth/{path}",
        name=name,
        summary=summary,
        description=description,
        auth=(SESSION,) if needs_session else (GUEST,),
        bodies={"application/json": record(fields, optional=optional)} if fields else {},
        answers={200: answer},
        errors=(*of_a_body, *of_a_session, *faults, errors.OriginForeign),
        sample=Sample(auth=SESSION if needs_session or shows_cookie else GUEST, json=sample),
        is_own=is_own,
        can_try=False,
    )


_SIGNED_IN: Final = Answer(
    _("The user; the cookie of the answer is the session."),
    {"anyOf": [ref("SignedIn"), ref("SecondFactorWanted")]},
    {"token": "3f2a9c…", "user": _USER, "redirect": False},
)
_CODE_ANSWER: Final = Answer(
    _("The user; the cookie of the answer is the session."),
    ref("SignedIn"),
    {"token": "3f2a9c…", "user": _USER},
)
_DONE: Final = Answer(_("Done."), _STATUS, {"status": True})
_RESET_SENT: Final = Answer(
    _("The same for every address, lest it tell who has an account."),
    record({"status": flag(), "message": text()}),
    {
        "status": True,
        "message": "If this email exists in our system, check your email for the reset link",
    },
)
_EMAIL: Final = text(format="email")
_NEW_PASSWORD: Final = text(_("At least 8 characters, and not a common one."), minLength=8)

OPERATIONS: Final = (
    _post(
        "sign-up/email",
        "signUp",
        _("Make an account"),
        {
            "name": text(_("What to call you; may be empty.")),
            "email": _EMAIL,
            "password": _NEW_PASSWORD,
            "image": or_null(text(_("Looked at, and not kept."))),
            "callbackURL": _CALLBACK,
        },
        Answer(
            _(
                "The account; it signs nobody in. Where mail is set up, the address has to be confirmed first."
            ),
            ref("SignedIn"),
            {"token": None, "user": {**_USER, "emailVerified": False}},
        ),
        optional=("image", "callbackURL"),
        faults=(errors.EmailInvalid, *_PASSWORD_FAULTS, errors.CallbackForeign, errors.TooManyAttempts),
        sample={"name": "You", "email": "new@example.org", "password": "NEW_PASSWORD"},
        is_own=False,
    ),
    _post(
        "sign-in/email",
        "signIn",
        _("Sign in"),
        {
            "email": _EMAIL,
            "password": text(),
            "rememberMe": flag(_("False ends the session with the browser."), default=True),
            "callbackURL": _CALLBACK,
        },
        _SIGNED_IN,
        description=_(
            "Keep the cookie of the answer and send it with later requests. Where a second factor is set up, the "
            "answer asks for its code and the session begins with that."
        ),
        optional=("rememberMe", "callbackURL"),
        faults=(
            errors.EmailInvalid,
            errors.CredentialsInvalid,
            errors.EmailUnverified,
            errors.AccountDisabled,
            errors.CallbackForeign,
            errors.TooManyAttempts,
        ),
        sample={"email": "you@example.org", "password": "YOUR_PASSWORD"},
        is_own=False,
    ),
    *(
        _post(
            f"two-factor/{path}",
            name,
            summary,
            {"code": text(_("Six digits of the app, or a recovery code."))},
            _CODE_ANSWER,
            description=_("With the cookie that the answer to signing in has set."),
            shows_cookie=True,
            faults=(errors.SecondFactorNotAsked, errors.CodeInvalid, errors.TooManyAttempts),
            sample={"code": "123456"},
        )
        for path, name, summary in (
            ("verify-totp", "verifyTotp", _("Give the code of an authenticator app")),
            ("verify-backup-code", "verifyBackupCode", _("Give a recovery code")),
        )
    ),
    _post(
        "sign-out",
        "signOut",
        _("Sign out"),
        {},
        Answer(_("Done, also where nobody was signed in."), record({"success": flag()}), {"success": True}),
    ),
    Operation(
        method="get",
        path="/api/auth/get-session",
        name="getSession",
        summary=_("Who is signed in"),
        auth=(GUEST, SESSION),
        answers={
            200: Answer(
                _("The session and its user, or null."),
                {
                    "anyOf": [
                        record({"session": ref("AccountSession"), "user": ref("AccountUser")}),
                        {"type": "null"},
                    ]
                },
                {"session": _SESSION, "user": _USER},
            )
        },
        sample=Sample(auth=SESSION),
        is_own=True,
        can_try=False,
    ),
    *(
        _post(
            path,
            name,
            summary,
            {"email": _EMAIL, "redirectTo": _CALLBACK},
            _RESET_SENT,
            optional=("redirectTo",),
            faults=(errors.EmailInvalid, errors.CallbackForeign, errors.TooManyAttempts),
            sample={"email": "you@example.org"},
        )
        for path, name, summary in (
            ("request-password-reset", "requestPasswordReset", _("Ask for a mail to set a new password")),
            ("forget-password", "forgetPassword", _("Ask for that mail under the older name")),
        )
    ),
    _post(
        "reset-password",
        "resetPassword",
        _("Set a new password by the mail's link"),
        {
            "token": text(_("The last part of the mail's link.")),
            "newPassword": _NEW_PASSWORD,
        },
        _DONE,
        faults=(errors.TokenInvalid, *_PASSWORD_FAULTS, errors.TooManyAttempts),
        sample={"token": "RESET_TOKEN", "newPassword": "NEW_PASSWORD"},
    ),
    _post(
        "change-password",
        "changePassword",
        _("Change the password"),
        {
            "currentPassword": text(),
            "newPassword": _NEW_PASSWORD,
            "revokeOtherSessions": flag(_("Looked at; other sessions end in any case."), default=True),
        },
        _CODE_ANSWER,
        optional=("revokeOtherSessions",),
        needs_session=True,
        faults=(errors.PasswordWrong, *_PASSWORD_FAULTS, errors.TooManyAttempts),
        sample={"currentPassword": "YOUR_PASSWORD", "newPassword": "NEW_PASSWORD"},
    ),
    _post(
        "send-verification-email",
        "sendVerificationEmail",
        _("Send the mail that confirms an address again"),
        {"email": _EMAIL, "callbackURL": _CALLBACK},
        _DONE,
        optional=("callbackURL",),
        faults=(errors.EmailInvalid, errors.CallbackForeign, errors.TooManyAttempts),
        sample={"email": "you@example.org"},
    ),
    Operation(
        method="get",
        path="/api/auth/list-sessions",
        name="listSessions",
        summary=_("Your sessions"),
        auth=(SESSION,),
        answers={200: Answer(_("All that have not ended."), list_of(ref("AccountSession")), [_SESSION])},
        errors=(errors.SessionMissing,),
        sample=Sample(auth=SESSION),
        is_own=True,
        can_try=False,
    ),
    _post(
        "revoke-session",
        "revokeSession",
        _("End one session"),
        {"token": text(_("As the list of sessions has it."))},
        _DONE,
        needs_session=True,
        sample={"token": "SESSION_TOKEN"},
    ),
    _post(
        "revoke-sessions",
        "revokeSessions",
        _("End all sessions"),
        {},
        _DONE,
        description=_("Also the one that asks."),
        needs_session=True,
    ),
    _post(
        "revoke-other-sessions",
        "revokeOtherSessions",
        _("End all other sessions"),
        {},
        _DONE,
        needs_session=True,
    ),
    _post(
        "delete-user",
        "deleteUser",
        _("Delete the account"),
        {"password": text()},
        Answer(
            _("It is gone, with its keys and its history."),
            record({"success": flag(), "message": text()}),
            {"success": True, "message": "User deleted"},
        ),
        needs_session=True,
        faults=(errors.PasswordWrong, errors.AccountKept, errors.TooManyAttempts),
        sample={"password": "YOUR_PASSWORD"},
    ),
)
