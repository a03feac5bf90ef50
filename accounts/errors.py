"""What can be wrong with how a caller says who it is."""

from __future__ import annotations

from core.errors import DomainError


class OriginForeign(DomainError):
    """A page of another site sends a write that a visitor's cookie would authenticate."""

    code = "INVALID_ORIGIN"
    default_message = "Requests of this kind are taken from this site's own pages only."


class ShareForeign(OriginForeign):
    """A share that the visitor's own browser does not vouch for."""

    default_message = "What is shared is taken from the share menu of your own device only."


class TooManyAttempts(DomainError):
    """Something that guesses or sends mail was tried too often; ``data["retry_after_s"]`` says when to go on."""

    code = "TOO_MANY_REQUESTS"
    default_message = "Too many requests. Please try again later."

    def __init__(self, message: str = "", *, retry_after_s: int = 60, **data: object) -> None:
        super().__init__(message, retry_after_s=retry_after_s, **data)


class FieldInvalid(DomainError):
    """A field of a request is missing, of another type, too long, or has characters that no text has."""

    code = "VALIDATION_ERROR"
    default_message = "The request's fields are not valid."


class EmailInvalid(DomainError):
    """What should be an e-mail address is none."""

    code = "INVALID_EMAIL"
    default_message = "Invalid email"


class PasswordTooShort(DomainError):
    """The new password is too short."""

    code = "PASSWORD_TOO_SHORT"
    default_message = "Password too short"


class PasswordTooLong(DomainError):
    """The new password is too long."""

    code = "PASSWORD_TOO_LONG"
    default_message = "Password too long"


class PasswordTooWeak(DomainError):
    """The new password is on the list of common ones, or is much like the account's own data."""

    code = "PASSWORD_TOO_WEAK"
    default_message = "This password is too easy to guess"


class PasswordWrong(DomainError):
    """A signed-in user's password, asked for again, is another."""

    code = "INVALID_PASSWORD"
    default_message = "Invalid password"


class CredentialsInvalid(DomainError):
    """No account has this address and password; which of the two is wrong is not told."""

    code = "INVALID_EMAIL_OR_PASSWORD"
    default_message = "Invalid email or password"


class EmailUnverified(DomainError):
    """The password is right, and the address has to be verified first: another mail was sent."""

    code = "EMAIL_NOT_VERIFIED"
    default_message = "Email not verified"


class AccountDisabled(DomainError):
    """The password is right, and staff have switched the account off."""

    code = "ACCOUNT_DISABLED"
    default_message = "This account is switched off"


class AccountKept(DomainError):
    """A member of staff cannot delete the own account: what staff did would lose its author."""

    code = "ACCOUNT_IS_STAFF"
    default_message = "Accounts of staff cannot be deleted here"


class SessionMissing(DomainError):
    """The request needs a signed-in user."""

    code = "UNAUTHORIZED"
    default_message = "Unauthorized"


class SecondFactorNotAsked(DomainError):
    """A code comes without a sign-in that waits for one."""

    code = "INVALID_TWO_FACTOR_COOKIE"
    default_message = "Invalid two factor cookie"


class CodeInvalid(DomainError):
    """The code of the authenticator app, or the recovery code, is wrong or was used."""

    code = "INVALID_CODE"
    default_message = "Invalid code"


class TokenInvalid(DomainError):
    """The link of a mail is not ours, too old, or was used."""

    code = "INVALID_TOKEN"
    default_message = "Invalid token"


class CallbackForeign(DomainError):
    """The address to go on to is on another site."""

    code = "INVALID_CALLBACK_URL"
    default_message = "Invalid callbackURL"
