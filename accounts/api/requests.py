"""What requests of the JSON API say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme
from rest_framework.request import Request

from accounts.api.errors import MediaTypeUnsupported
from accounts.errors import CallbackForeign, EmailInvalid, FieldInvalid
from accounts.models import NAME_LENGTH
from core.surfaces import BodyMalformed, BodyTooLarge, plain_request

MAX_BODY_BYTES: Final = 32 * 1024
_EMAIL_CHARS: Final = 254
#: Longer than any that can be set; what is longer yet is no password but an attempt to keep the hash busy.
_PASSWORD_CHARS: Final = 1024
_TEXT_CHARS: Final = 2048


@dataclass(frozen=True, slots=True)
class SignUp:
    """``POST /api/auth/sign-up/email``."""

    name: str
    email: str
    password: str


@dataclass(frozen=True, slots=True)
class SignIn:
    """``POST /api/auth/sign-in/email``; ``callback`` is a path of this site, or empty."""

    email: str
    password: str
    remember: bool
    callback: str


class Fields:
    """The fields of a JSON body, each read with its type."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields

    def text(self, name: str, *, most: int = _TEXT_CHARS, required: bool = True) -> str:
        """A text, which may be empty; a field that is not required may be missing or null.

        Raises:
            FieldInvalid: it is none, is too long, or has characters that cannot be stored.
        """
        value = self._fields.get(name)
        if value is None and not required:
            return ""
        if not isinstance(value, str):
            self._refuse(name, "must be a string")
        if len(value) > most:
            self._refuse(name, f"must have at most {most} characters")
        # NUL cannot be stored; half of a surrogate pair cannot even be written.
        if "\0" in value or any("\ud800" <= each <= "\udfff" for each in value):
            self._refuse(name, "has characters that are not allowed")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """A truth value.

        Raises:
            FieldInvalid: it is none.
        """
        value = self._fields.get(name, default)
        if value is None:
            return default
        if not isinstance(value, bool):
            self._refuse(name, "must be a boolean")
        return value

    def email(self, name: str = "email") -> str:
        """An e-mail address, in lower case.

        Raises:
            FieldInvalid: it is no text.
            EmailInvalid: it is no address.
        """
        value = self.text(name, most=MAX_BODY_BYTES)
        try:
            if len(value) > _EMAIL_CHARS:
                raise EmailInvalid
            validate_email(value)
        except ValidationError:
            raise EmailInvalid from None
        return value.lower()

    def password(self, name: str = "password") -> str:
        """A password as it was typed.

        Raises:
            FieldInvalid: it is no text.
        """
        return self.text(name, most=_PASSWORD_CHARS)

    def callback(self, request: Request, name: str = "callbackURL") -> str:
        """Where the caller wants to go on to, on this site; empty for nowhere.

        Raises:
            FieldInvalid: it is no text.
            CallbackForeign: it is on another site.
        """
        url = self.text(name, required=False)
        http = plain_request(request)
        if url and not url_has_allowed_host_and_scheme(
            url, allowed_hosts={http.get_host()}, require_https=http.is_secure()
        ):
            raise CallbackForeign
        return url

    def _refuse(self, name: str, why: str) -> NoReturn:
        raise FieldInvalid(f"[body.{name}] {why}")


def read_fields(request: Request) -> Fields:
    """The JSON object of a body; no body at all is an empty one.

    Raises:
        MediaTypeUnsupported: a form, or anything else that is not JSON.
        BodyTooLarge, BodyMalformed: as the names say.
    """
    http: HttpRequest = plain_request(request)
    body = http.body
    if len(body) > MAX_BODY_BYTES:
        raise BodyTooLarge
    if not body:
        return Fields({})
    if http.content_type != "application/json":
        raise MediaTypeUnsupported
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        raise BodyMalformed from None
    if not isinstance(parsed, dict):
        raise BodyMalformed
    return Fields(parsed)


def read_sign_up(request: Request) -> SignUp:
    """Read a sign-up; ``image`` and ``callbackURL`` are looked at and not used.

    Raises:
        FieldInvalid, EmailInvalid, CallbackForeign: as the names say; and what :func:`read_fields` raises.
    """
    fields = read_fields(request)
    asked = SignUp(fields.text("name", most=NAME_LENGTH), fields.email(), fields.password())
    fields.text("image", required=False)
    fields.callback(request)
    return asked


def read_sign_in(request: Request) -> SignIn:
    """Read a sign-in.

    Raises:
        FieldInvalid, EmailInvalid, CallbackForeign: as the names say; and what :func:`read_fields` raises.
    """
    fields = read_fields(request)
    return SignIn(
        fields.email(),
        fields.password(),
        fields.flag("rememberMe", default=True),
        fields.callback(request),
    )
