"""What is stored of a user's API keys, for the export of one's data. They are deleted with their user."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from accounts.models import User
from apikeys.selectors import keys_of


def own_keys(user: User) -> list[dict[str, Any]]:
    """A user's keys, oldest first, without what they could be known by."""
    return [
        {
            "title": row.title,
            "prefix": row.prefix,
            "created": _iso(row.created_at),
            "lastUsed": _iso(row.last_used_at),
            "expires": _iso(row.expires_at),
            "revoked": _iso(row.revoked_at),
        }
        for row in keys_of(user_id=user.pk).reverse()
    ]


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
