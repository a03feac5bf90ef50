"""What the JSON API answers.

``token`` in bodies names a session and signs nobody in: better-auth's is the key itself, which a script of the page
could read off the answer although the cookie is HttpOnly.
"""

from __future__ import annotations

from typing import Any

from accounts.selectors import SessionFacts, UserFacts
from core import clock


def user_body(user: UserFacts) -> dict[str, Any]:
    """A user. Pictures are not kept, nor is the time of the last change."""
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "image": None,
        "emailVerified": user.is_verified,
        "createdAt": clock.as_javascript(user.created_at),
        "updatedAt": clock.as_javascript(user.created_at),
    }


def session_body(session: SessionFacts, user: UserFacts) -> dict[str, Any]:
    """A session."""
    return {
        "id": session.token[:32],
        "userId": user.id,
        "token": session.token,
        "expiresAt": clock.as_javascript(session.expires_at),
        "createdAt": clock.as_javascript(session.created_at),
        "updatedAt": clock.as_javascript(session.seen_at),
        "ipAddress": session.address,
        "userAgent": session.user_agent,
    }
