"""Requests that a caller names, so that a repeated one is answered again and not worked on, or charged, again.

The header ``Idempotency-Key`` is that of the IETF draft (draft-ietf-httpapi-idempotency-key-header): the same
key with another request is refused, the same request while the first is running is to be asked again later.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from django.db import IntegrityError

from core import clock
from credits.errors import (
    IdempotencyKeyInvalid,
    IdempotencyKeyReused,
    InsufficientCredits,
    QuotaExhausted,
    RequestRunning,
)
from credits.models import Admission, AdmissionStatus
from credits.policies import Product

MOST_LETTERS = 255
#: How long an answer can be asked for again.
KEPT_FOR = timedelta(hours=24)
#: What a caller is told to wait whose first request is running.
RETRY_AFTER_S = 2


@dataclass(frozen=True, slots=True)
class NamedRequest:
    """A request under its caller's name.

    Attributes:
        key: the name.
        sha256: digest of all that the request asks.
    """

    key: str
    sha256: str

    @classmethod
    def of(cls, key: str | None, *parts: bytes) -> Self | None:
        """The request that consists of ``parts``; None where the caller gave it no name.

        Raises:
            IdempotencyKeyInvalid: the name is empty, too long, or not of printable ASCII.
        """
        if key is None:
            return None
        if not 1 <= len(key) <= MOST_LETTERS or not (key.isascii() and key.isprintable()):
            raise IdempotencyKeyInvalid
        digest = hashlib.sha256()
        for part in parts:
            # Each part's length goes first, so that no two requests are the same text.
            digest.update(len(part).to_bytes(8, "big") + part)
        return cls(key, digest.hexdigest())


def answered(subject: str, product: Product, request: NamedRequest) -> dict[str, Any] | None:
    """What was answered to the request before; None where nothing of that name is known.

    Raises:
        IdempotencyKeyReused: the name is another request's, or one whose answer was not kept.
        RequestRunning: the first one is not done yet.
    """
    row = Admission.objects.filter(subject=subject, product=product, idempotency_key=request.key).first()
    if row is None:
        return None
    if row.created_at < clock.now() - KEPT_FOR:
        Admission.objects.filter(pk=row.pk).exclude(status=AdmissionStatus.HELD).update(
            idempotency_key="", answer=None
        )
        return None
    if row.request_sha256 != request.sha256:
        raise IdempotencyKeyReused
    if row.status == AdmissionStatus.HELD:
        raise RequestRunning(retry_after_s=RETRY_AFTER_S)
    if row.answer is None:
        raise IdempotencyKeyReused
    answer: dict[str, Any] = row.answer
    return answer


@contextmanager
def named_once(subject: str, product: Product, request: NamedRequest | None) -> Iterator[None]:
    """Guard the transaction that writes the admission of a request.

    Raises:
        RequestRunning: another call with the same name wrote its admission first, and maybe took the last credit.
        IdempotencyKeyReused: and it was for another request.
    """
    try:
        yield
    except (IntegrityError, QuotaExhausted, InsufficientCredits):
        if request is None:
            raise
        row = Admission.objects.filter(subject=subject, product=product, idempotency_key=request.key).first()
        if row is None:
            raise
        if row.request_sha256 != request.sha256:
            raise IdempotencyKeyReused from None
        raise RequestRunning(retry_after_s=RETRY_AFTER_S) from None
