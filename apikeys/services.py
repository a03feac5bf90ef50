"""Making, recognising and revoking API keys."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from apikeys.errors import (
    ApiKeyExpired,
    ApiKeyInvalid,
    ApiKeyNotFound,
    ApiKeyRevoked,
    KeyExpiryInvalid,
    KeyTitleInvalid,
    TooManyKeys,
)
from apikeys.models import TITLE_LENGTH, ApiKey, Revocation
from apikeys.tokens import digest_of, is_well_formed, make_key, prefix_of
from core.clock import now

#: Keys that a user may have, revoked ones not counted.
MOST_KEYS = 100
#: Revoked keys that are remembered of a user, so that they are told apart from unknown ones.
MOST_REVOKED = 100
#: The time of last use is kept to this accuracy: a busy client must not make a write of every request.
LAST_USED_STEP = timedelta(minutes=1)


def create_key(*, user_id: int, title: str, expires_at: datetime | None = None) -> tuple[ApiKey, str]:
    """Make a key for a user.

    Returns:
        The row, and the key itself, which nobody can show again.

    Raises:
        KeyTitleInvalid, KeyExpiryInvalid, TooManyKeys: as the names say.
        User.DoesNotExist: there is no such user.
    """
    title = title.strip()
    if not title or len(title) > TITLE_LENGTH or not title.isprintable():
        raise KeyTitleInvalid
    if expires_at is not None and expires_at <= now():
        raise KeyExpiryInvalid
    key = make_key()
    with transaction.atomic():
        # Whoever makes a key for this user waits here, so that two cannot both be the hundredth.
        User.objects.select_for_update().only("pk").get(pk=user_id)
        if ApiKey.objects.filter(user_id=user_id, revoked_at__isnull=True).count() >= MOST_KEYS:
            raise TooManyKeys
        row = ApiKey.objects.create(
            user_id=user_id,
            title=title,
            prefix=prefix_of(key),
            digest=digest_of(key),
            created_at=now(),
            expires_at=expires_at,
        )
        revoked = ApiKey.objects.filter(user_id=user_id, revoked_at__isnull=False).order_by("-revoked_at")
        forgotten = list(revoked.values_list("pk", flat=True)[MOST_REVOKED:])
        ApiKey.objects.filter(pk__in=forgotten).delete()
    return row, key


def verify_key(*, key: str) -> ApiKey:
    """The row of a key that a request shows, its user loaded; the time of its use is noted.

    Raises:
        ApiKeyInvalid: malformed, unknown, or of an account that is closed.
        ApiKeyExpired, ApiKeyRevoked: it was a good one once.
    """
    row = _find(key)
    if row is None or not row.user.is_active:
        raise ApiKeyInvalid
    if row.is_revoked:
        raise ApiKeyRevoked
    moment = now()
    if row.expires_at is not None and row.expires_at <= moment:
        raise ApiKeyExpired
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=moment - LAST_USED_STEP)
    if row.last_used_at is None or row.last_used_at < moment - LAST_USED_STEP:
        ApiKey.objects.filter(stale, pk=row.pk).update(last_used_at=moment)
    return row


def revoke_key(*, user_id: int, key_id: int) -> ApiKey:
    """Revoke a key of one's own; one that is revoked already stays so.

    Raises:
        ApiKeyNotFound: the user has no such key.
    """
    row = ApiKey.objects.filter(pk=key_id, user_id=user_id).first()
    if row is None:
        raise ApiKeyNotFound
    revoke_keys(keys=ApiKey.objects.filter(pk=row.pk).values_list("pk", flat=True), by=Revocation.OWNER)
    row.refresh_from_db()
    return row


def revoke_leaked_key(*, key: str) -> bool:
    """Revoke a key that somebody found; whoever holds it has the right to.

    Returns:
        Whether it was a key of ours that worked until now.
    """
    row = _find(key)
    return row is not None and revoke_keys(keys=[row.pk], by=Revocation.LEAK) > 0


def revoke_keys(*, keys: Iterable[int], by: Revocation) -> int:
    """Revoke keys by their row ids (a list, or a query); returns how many worked until now."""
    return ApiKey.objects.filter(pk__in=keys, revoked_at__isnull=True).update(revoked_at=now(), revoked_by=by)


def _find(key: str) -> ApiKey | None:
    """The row of a key, by its visible beginning; the digests are compared in constant time."""
    if not is_well_formed(key):
        return None
    digest = digest_of(key)
    rows = ApiKey.objects.select_related("user").filter(prefix=prefix_of(key))
    return next((row for row in rows if hmac.compare_digest(row.digest, digest)), None)
