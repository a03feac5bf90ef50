"""What there is to know of an account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.utils.crypto import salted_hmac

from accounts.models import User
from core.clock import now


@dataclass(frozen=True, slots=True)
class UserFacts:
    """A user as the owner sees it."""

    id: str
    name: str
    email: str
    is_verified: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """A session as its owner sees it.

    Attributes:
        token: names the session, and signs nobody in; see :func:`session_token`.
    """

    pk: int
    token: str
    is_current: bool
    address: str
    user_agent: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


def session_token(session_key: str) -> str:
    """A name for a session that may be shown to scripts.

    The key itself is what the cookie holds, and is HttpOnly for a reason; a digest of it names the session as
    well, and cannot be used to sign in.
    """
    return salted_hmac("accounts.session-token", session_key, algorithm="sha256").hexdigest()


def user_facts(user: User) -> UserFacts:
    """What the API tells a user of the own account."""
    return UserFacts(
        id=str(user.public_id),
        name=user.name,
        email=user.email,
        is_verified=EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists(),
        created_at=user.date_joined,
    )


def sessions_of(user: User, *, current_key: str) -> list[SessionFacts]:
    """The sessions in which a user is signed in, newest first; those that ended are left out."""
    records = {each.session_key: each for each in UserSession.objects.filter(user=user)}
    rows = Session.objects.filter(session_key__in=[*records, current_key], expire_date__gt=now())
    found = [
        _session_facts(row, records.get(row.session_key), current_key)
        for row in rows
        if row.session_key == current_key or _signs_in(row, user)
    ]
    return sorted(found, key=lambda session: session.created_at, reverse=True)


def current_session(user: User, *, key: str) -> SessionFacts | None:
    """The session of this request; None where it is no longer stored."""
    row = Session.objects.filter(session_key=key, expire_date__gt=now()).first()
    record = UserSession.objects.filter(user=user, session_key=key).first()
    return _session_facts(row, record, key) if row else None


def _signs_in(row: Session, user: User) -> bool:
    """Whether a stored session still signs its user in: a changed password ends it where it lies."""
    stored = row.get_decoded()
    return (
        stored.get("_auth_user_id") == str(user.pk)
        and stored.get("_auth_user_hash") == user.get_session_auth_hash()
    )


def _session_facts(row: Session, record: UserSession | None, current_key: str) -> SessionFacts:
    return SessionFacts(
        pk=record.pk if record else 0,
        token=session_token(row.session_key),
        is_current=row.session_key == current_key,
        address=record.ip if record else "",
        user_agent=record.user_agent if record else "",
        created_at=record.created_at if record else now(),
        seen_at=record.last_seen_at if record else now(),
        expires_at=row.expire_date,
    )


def own_data(user: User) -> dict[str, Any]:
    """What this app has stored of a user, for the export of one's data: no password, secret or session key."""
    return {
        "profile": {
            "id": str(user.public_id),
            "email": user.email,
            "name": user.name,
            "tier": user.tier,
            "joined": user.date_joined.isoformat(),
            "lastSignIn": user.last_login.isoformat() if user.last_login else None,
        },
        "emailAddresses": [
            {"email": each.email, "verified": each.verified, "primary": each.primary}
            for each in EmailAddress.objects.filter(user=user).order_by("pk")
        ],
        "sessions": [
            {"address": each.ip, "userAgent": each.user_agent, "began": each.created_at.isoformat()}
            for each in UserSession.objects.filter(user=user).order_by("pk")
        ],
        "secondFactors": [
            {"type": each.type, "since": each.created_at.isoformat()}
            for each in Authenticator.objects.filter(user=user).order_by("pk")
        ],
        "connections": [
            {"provider": each.provider, "since": each.date_joined.isoformat(), "data": each.extra_data}
            for each in SocialAccount.objects.filter(user=user).order_by("pk")
        ],
    }


def email_of(*, user_id: int | None) -> str:
    """A user's address; empty where there is no such user."""
    return User.objects.filter(pk=user_id).values_list("email", flat=True).first() or "" if user_id else ""
