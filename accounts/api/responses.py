"""What the JSON API answers.

``token`` in bodies names a session and signs nobody in: better-auth's is the key itself, which a script of the page
could read off the answer although the cookie is HttpOnly.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from accounts.selectors import SessionFacts, UserFacts


def time_text(at: datetime) -> str:
    """A time as JavaScript writes it: ``2026-01-02T03:04:05.678Z``."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def user_body(user: UserFacts) -> dict[str, Any]:
    """A user. Pictures are not kept, nor is the time of the last change."""
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "image": None,
        "emailVerified": user.is_verified,
        "createdAt": time_text(user.created_at),
        "updatedAt": time_text(user.created_at),
    }


def session_body(session: SessionFacts, user: UserFacts) -> dict[str, Any]:
    """A session."""
    return {
        "id": session.token[:32],
        "userId": user.id,
        "token": session.token,
        "expiresAt": time_text(session.expires_at),
        "createdAt": time_text(session.created_at),
        "updatedAt": time_text(session.seen_at),
        "ipAddress": session.address,
        "userAgent": session.user_agent,
    }
