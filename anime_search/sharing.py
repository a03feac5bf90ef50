"""Results that are shared by a link: offered, made, opened, withdrawn, forgotten.

The picture that was searched for is kept only from the moment on that somebody shares the result. Until then the
site has nothing of it, neither on a disk nor in a cache: it travels, made small and without metadata, in the form of
the visitor's own page, and comes back when that form is sent. So sharing works without scripts and asks for no second
upload. What travels beside it is signed, with the picture's digest in it: nobody can share a result that was not found,
or put another picture to it.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.crypto import constant_time_compare
from django_ratelimit.core import get_usage

from accounts.principal import Principal
from anime_search.errors import MatchRefused, SharedResultGone, SharesLimited
from anime_search.models import SharedResult
from anime_search.selectors import candidates_of
from anime_search.services import SearchAnswer
from anime_search.shared_answers import plain_answer, plain_scenes, scenes_of
from anime_search.shared_pictures import forget_picture, keep_picture
from core import clock
from core.client_ip import rate_limit_key
from core.errors import Unavailable
from credits.services import subject_of

log = logging.getLogger(__name__)

#: How long after its search a result may be shared: as long as its matches may be judged.
SHARED_WITHIN: Final = timedelta(hours=24)
#: Results that one account, else one address, may share: each of them takes room on the disk.
SHARES_RATE: Final = "30/d"
#: Random bytes of a link's token.
_TOKEN_BYTES: Final = 24
_SALT: Final = "anime_search.share:"
#: Rows that are deleted at a time.
_BATCH: Final = 500


def offer_share(*, principal: Principal, answer: SearchAnswer, picture: bytes) -> str:
    """The token by which whoever searched, and nobody else, can share an answer with just this picture."""
    offer = {
        "found_s": int(clock.now().timestamp()),
        "picture": _digest(picture),
        "confident": answer.confident,
        "asked_frames": answer.asked_frames,
        "scenes": plain_scenes(answer.candidates),
    }
    return signing.dumps(offer, salt=_salt(principal), compress=True)


def share_result(*, principal: Principal, offer: str, picture: bytes) -> tuple[SharedResult, str]:
    """Make a link to an answer, and keep its picture from now on.

    Args:
        offer: what :func:`offer_share` gave.
        picture: the bytes that it was given.

    Returns:
        The row, and the link's token, which nobody can be told again.

    Raises:
        MatchRefused: the offer is none, somebody else's, too old, or of another picture; or of videos that are gone.
        SharesLimited: the caller has shared too many.
        Unavailable: the picture cannot be kept now.
    """
    answer = _offered(principal, offer, picture)
    _count_share(principal)
    token, now = secrets.token_urlsafe(_TOKEN_BYTES), clock.now()
    row = SharedResult(
        digest=_digest(token.encode()),
        owner_id=principal.user_id,
        visitor="" if principal.user_id is not None else principal.visitor,
        result=plain_answer(answer),
        created_at=now,
        expires_at=now + lifetime_of(principal),
    )
    try:
        keep_picture(public_id=row.public_id, picture=picture)
    except OSError as error:
        log.warning("a picture cannot be kept: %s", error.strerror)
        raise Unavailable from error
    try:
        row.save(force_insert=True)
    except BaseException:
        forget_picture(row.public_id)
        raise
    return row, token


def lifetime_of(principal: Principal) -> timedelta:
    """How long a caller's link works: ``SHARED_RESULT_DAYS``; of a guest no longer than the session, without which
    nobody could withdraw it."""
    life = timedelta(days=settings.SHARED_RESULT_DAYS)
    if principal.user_id is not None:
        return life
    return min(life, timedelta(seconds=settings.SESSION_COOKIE_AGE))


def shared_result(*, token: str) -> SharedResult:
    """The result behind a link.

    Raises:
        SharedResultGone: there is none, or its time is over.
    """
    row = SharedResult.objects.filter(digest=_digest(token.encode()), expires_at__gt=clock.now()).first()
    if row is None:
        raise SharedResultGone
    return row


def shares_of(principal: Principal) -> QuerySet[SharedResult]:
    """What a caller shares, newest first: an account's, and what the same browser shared as a guest."""
    own = Q(pk__in=()) if principal.user_id is None else Q(owner_id=principal.user_id)
    if principal.visitor:
        own |= Q(visitor=principal.visitor)
    return SharedResult.objects.filter(own, expires_at__gt=clock.now()).order_by("-created_at", "-pk")


def own_share(*, principal: Principal, public_id: str) -> SharedResult:
    """A result that the caller shares.

    Raises:
        SharedResultGone: there is none of this id; whether somebody else shares one is not told.
    """
    row = shares_of(principal).filter(public_id=public_id).first()
    if row is None:
        raise SharedResultGone
    return row


def withdraw_share(*, principal: Principal, public_id: str) -> None:
    """End a link of the caller's, and delete all that was kept for it.

    Raises:
        SharedResultGone: as :func:`own_share`.
    """
    withdraw_shares(rows=[own_share(principal=principal, public_id=public_id)])


def withdraw_shares(*, rows: list[SharedResult]) -> None:
    """End links, and delete all that was kept for them."""
    SharedResult.objects.filter(pk__in=[row.pk for row in rows]).delete()
    for row in rows:
        transaction.on_commit(partial(forget_picture, row.public_id), robust=True)


def purge_shares() -> int:
    """Delete results whose time is over, with their pictures, in small batches; returns how many went."""
    gone, now = 0, clock.now()
    while rows := list(SharedResult.objects.filter(expires_at__lte=now).only("pk", "public_id")[:_BATCH]):
        withdraw_shares(rows=rows)
        gone += len(rows)
    return gone


def _offered(principal: Principal, offer: str, picture: bytes) -> SearchAnswer:
    """The answer of an offer, as far as its videos are there.

    Raises:
        MatchRefused: as :func:`share_result`.
    """
    try:
        said: dict[str, Any] = signing.loads(offer, salt=_salt(principal))
    except signing.BadSignature:
        raise MatchRefused from None
    found_at = datetime.fromtimestamp(said["found_s"], UTC)
    is_old = clock.now() - found_at > SHARED_WITHIN
    if is_old or not constant_time_compare(said["picture"], _digest(picture)):
        raise MatchRefused
    scenes = scenes_of(said["scenes"], asked_frames=said["asked_frames"])
    candidates = candidates_of(scenes)
    if not candidates:
        raise MatchRefused
    # The scene that the search was sure of may be of a video that was deleted since.
    confident = said["confident"] and candidates[0].scene == scenes[0]
    return SearchAnswer(candidates, confident, 0, {}, asked_frames=said["asked_frames"])


def _count_share(principal: Principal) -> None:
    """Count a link that is about to be made for an account, else for an address (IPv6: its /64).

    Raises:
        SharesLimited: it is one too many.
    """
    who = rate_limit_key(principal.address) if principal.user_id is None else f"user {principal.user_id}"
    usage = get_usage(
        None, group="shared-results", key=lambda _group, _request: who, rate=SHARES_RATE, increment=True
    )
    if usage is not None and usage["should_limit"]:
        raise SharesLimited(retry_after_s=max(1, usage["time_left"]))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _salt(principal: Principal) -> str:
    """In the key, and not in what is signed: the token says nothing of who searched."""
    return _SALT + subject_of(principal)
