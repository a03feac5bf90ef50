"""What is stored of a user's shared results, for the export of one's data, and how they end with the user."""

from __future__ import annotations

import base64
from functools import partial
from typing import Any

from django.db import transaction

from accounts.models import User
from anime_search.models import SharedResult
from anime_search.shared_pictures import forget_picture, picture_of_share


def own_shares(user: User) -> list[dict[str, Any]]:
    """A user's shared results with their pictures (JPEG, in base64), oldest first; the links nobody knows."""
    return [
        {
            "id": row.public_id,
            "at": row.created_at.isoformat(),
            "until": row.expires_at.isoformat(),
            "result": row.result,
            "picture": base64.b64encode(picture_of_share(row.public_id) or b"").decode() or None,
        }
        for row in SharedResult.objects.filter(owner=user).order_by("pk").iterator()
    ]


def end_shares(user: User) -> None:
    """Remove the pictures; the rows themselves are deleted with the user's."""
    for public_id in SharedResult.objects.filter(owner=user).values_list("public_id", flat=True):
        transaction.on_commit(partial(forget_picture, public_id), robust=True)
