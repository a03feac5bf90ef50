"""What ``/api/apikeys`` answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apikeys.models import ApiKey
from core import clock


def key_body(row: ApiKey) -> dict[str, Any]:
    """One key, without the key."""
    return {
        "id": row.pk,
        "title": row.title,
        "prefix": row.prefix,
        "createdAt": _iso(row.created_at),
        "lastUsedAt": _iso(row.last_used_at),
        "expiresAt": _iso(row.expires_at),
        "revokedAt": _iso(row.revoked_at),
    }


def new_key_body(row: ApiKey, key: str) -> dict[str, Any]:
    """A key just made: the only answer that holds the key itself."""
    return {**key_body(row), "key": key}


def list_body(rows: list[ApiKey], *, page: int, page_size: int, total: int) -> dict[str, Any]:
    """A page of keys, newest first."""
    return {
        "items": [key_body(row) for row in rows],
        "page": page,
        "pageSize": page_size,
        "total": total,
        "totalPages": max(1, -(-total // page_size)),
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else clock.as_javascript(moment)
