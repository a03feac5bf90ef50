"""Metering: the one way in for every product.

A request is admitted (rate window, day, free credits of the day, bought credits, in this order), and its admission
is then settled, or refunded when the work failed. The windows of a minute or an hour live in the cache, everything
else in the database; ``docs/adr/0003`` says why, and what the public documents leave open.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.crypto import salted_hmac

from accounts.principal import Principal, PrincipalKind
from core import clock
from core.client_ip import rate_limit_key
from core.errors import DomainError
from credits import idempotency
from credits.days import Day, DayState, count_in_day, day_state, give_back
from credits.errors import ConcurrencyExceeded, InsufficientCredits, QuotaExhausted, RateLimited
from credits.ledger import account_of, add_to_balance, balance_of, take_from_balance
from credits.models import (
    Admission,
    AdmissionStatus,
    Counted,
    EntryKind,
    LedgerEntry,
    Policy,
)
from credits.policies import DOCUMENTED, LEASES, DayEdge, Limits, PolicyTier, Product
from credits.windows import WindowState, hit_window, read_window, undo_hit

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How a principal stands with a product.

    Attributes:
        limits: what the tier may use.
        limit: the rate window; None without one.
        quota: the day's requests; None where they are not limited.
        free: the day's free credits; None where there are none.
        balance: bought credits; None for a guest.
        uncapped: the day's requests where they are counted without being limited.
    """

    limits: Limits
    limit: WindowState | None
    quota: DayState | None
    free: DayState | None = None
    balance: int | None = None
    uncapped: int = 0


@dataclass(slots=True)
class Ticket:
    """A request that was let in.

    Attributes:
        snapshot: what is left after it.
        admission_id: the row that holds what was taken; None where nothing was.
        replay: the answer that was given to the same request before; it is to be given again.
        answer: to be kept for a later replay; whoever does the work sets it.
    """

    snapshot: Snapshot
    admission_id: UUID | None = None
    replay: dict[str, Any] | None = None
    answer: dict[str, Any] | None = field(default=None)


def limits_of(*, product: Product, tier: str) -> Limits:
    """What a tier may use of a product: the row that staff edit, else the document's figures."""
    row = Policy.objects.filter(product=product, tier=tier).first()
    return row.limits if row is not None else DOCUMENTED[product, PolicyTier(tier)]


def subject_of(principal: Principal) -> str:
    """Whom a request is counted for: the account, else a keyed hash of the client's address.

    The database keeps no guest's address: the hash counts as well, and says nothing once the day is over.
    """
    if principal.user_id is not None:
        return f"user:{principal.user_id}"
    digest = salted_hmac("credits.subject", rate_limit_key(principal.address), algorithm="sha256")
    return f"ip:{digest.hexdigest()[:40]}"


def admit(
    *,
    principal: Principal,
    product: Product,
    request: idempotency.NamedRequest | None = None,
    limit_concurrency: bool = False,
) -> Ticket:
    """Let a request in, and take what it costs.

    Args:
        request: the caller's own name for the request, by which a repeated one is known.
        limit_concurrency: whether only so many requests of the caller are worked on at a time as the tier may.

    Raises:
        RateLimited, QuotaExhausted, InsufficientCredits: nothing is left; nothing was taken.
        ConcurrencyExceeded: others of the caller are being worked on; nothing was taken.
        IdempotencyKeyReused, RequestRunning: the name is another request's, or that request is not done.
        Unavailable: it cannot be counted now.
    """
    if principal.kind is PrincipalKind.OPERATOR:
        return Ticket(Snapshot(Limits(), None, None))
    subject = subject_of(principal)
    limits = limits_of(product=product, tier=principal.tier)
    if request is not None and (told := idempotency.answered(subject, product, request)) is not None:
        return Ticket(snapshot(principal=principal, product=product), replay=told)
    window = None
    if limits.rate is not None:
        window = hit_window(key=f"{product}:{subject}:rate", limit=limits.rate, length_s=limits.rate_s)
        if window.used > limits.rate:
            state = snapshot(principal=principal, product=product)
            raise RateLimited(snapshot=state, retry_after_s=window.seconds_left)
    moment = clock.now()
    try:
        with idempotency.named_once(subject, product, request), transaction.atomic():
            row = _take(principal, product, subject, limits, moment, request)
            if limit_concurrency:
                _require_turn(row, limits)
    except InsufficientCredits as error:
        if window is not None:
            # Whoever buys more must not find the window used up by refusals.
            undo_hit(window)
            used = replace(window, used=window.used - 1)
            error.data["snapshot"] = replace(error.data["snapshot"], limit=used)
        raise
    except ConcurrencyExceeded:
        # What is left is read after everything was given back.
        raise ConcurrencyExceeded(
            snapshot=_state(principal, product, subject, limits, window, moment)
        ) from None
    return Ticket(_state(principal, product, subject, limits, window, moment), admission_id=row.pk)


def count_request(*, principal: Principal, product: Product) -> Snapshot:
    """Count a request that costs nothing and is never given back: the daily limit of ``/api/v1``.

    Raises:
        QuotaExhausted: the day's requests are used up.
        Unavailable: it cannot be counted now.
    """
    subject, limits = subject_of(principal), limits_of(product=product, tier=principal.tier)
    moment, day = clock.now(), _day(product, subject, limits)
    # Without a limit it is counted all the same: the caller is told how many there were.
    limit = _UNLIMITED if limits.daily is None else limits.daily
    with transaction.atomic():
        row = count_in_day(day=day, amount=1, limit=limit, moment=moment)
    if row is None:
        raise _exhausted(principal, product, subject, limits, moment)
    state = _state(principal, product, subject, limits, None, moment)
    return state if limits.daily is not None else replace(state, uncapped=row.used)


def settle(*, ticket: Ticket) -> bool:
    """Keep what was taken: the work is done.

    Returns:
        False where the admission was refunded meanwhile, because it took longer than its lease.
    """
    if ticket.admission_id is None:
        return True
    return settle_admission(admission_id=ticket.admission_id, answer=ticket.answer)


def settle_admission(*, admission_id: UUID, answer: dict[str, Any] | None = None) -> bool:
    """Keep what an admission took, where its work is done by another process than the one that let it in.

    Args:
        answer: to be said again to a repeated request.

    Returns:
        False where it was refunded meanwhile, because it took longer than its lease.
    """
    held = Admission.objects.filter(pk=admission_id, status=AdmissionStatus.HELD)
    return held.update(status=AdmissionStatus.SETTLED, ended_at=clock.now(), answer=answer) == 1


def refund(*, admission_id: UUID) -> bool:
    """Give back what an admission took, once, whoever asks for it how often.

    Returns:
        Whether this call gave it back.
    """
    with transaction.atomic():
        held = Admission.objects.filter(pk=admission_id, status=AdmissionStatus.HELD)
        # The name of the request is free again: whoever repeats it has it worked on.
        ended = {"status": AdmissionStatus.REFUNDED, "ended_at": clock.now(), "idempotency_key": ""}
        if not held.update(**ended):
            return False
        row = Admission.objects.get(pk=admission_id)
        if row.day_id is not None:
            give_back(row_id=row.day_id, amount=1)
        if row.free_day_id is not None:
            give_back(row_id=row.free_day_id, amount=row.free)
        if row.paid and row.account_id is not None:
            add_to_balance(account_id=row.account_id, amount=row.paid)
            _enter(row, EntryKind.REFUND, row.paid)
    return True


@contextmanager
def admitted(
    *,
    principal: Principal,
    product: Product,
    request: idempotency.NamedRequest | None = None,
    limit_concurrency: bool = False,
) -> Iterator[Ticket]:
    """Admit a request for the length of a ``with`` block: settled at its end, refunded when it fails.

    Raises:
        RateLimited, QuotaExhausted, InsufficientCredits, ConcurrencyExceeded, IdempotencyKeyReused,
            RequestRunning, Unavailable: as :func:`admit`.
    """
    ticket = admit(principal=principal, product=product, request=request, limit_concurrency=limit_concurrency)
    try:
        yield ticket
    except BaseException:
        if ticket.admission_id is not None:
            try:
                refund(admission_id=ticket.admission_id)
            except Exception:
                # The sweep gives it back when its lease is over.
                log.exception("admission %s could not be refunded now", ticket.admission_id)
        raise
    settle(ticket=ticket)


def refund_expired() -> int:
    """Refund admissions whose process died before it settled them; returns how many there were."""
    expired = Admission.objects.filter(status=AdmissionStatus.HELD, expires_at__lte=clock.now())
    return sum(refund(admission_id=pk) for pk in expired.values_list("pk", flat=True)[:10_000])


def snapshot(*, principal: Principal, product: Product) -> Snapshot:
    """How a principal stands, without counting anything.

    Raises:
        Unavailable: the cache does not answer.
    """
    subject, limits = subject_of(principal), limits_of(product=product, tier=principal.tier)
    window = None
    if limits.rate is not None:
        window = read_window(key=f"{product}:{subject}:rate", limit=limits.rate, length_s=limits.rate_s)
    return _state(principal, product, subject, limits, window, clock.now())


#: More than a counter is ever brought to.
_UNLIMITED = 2**31 - 2


def _take(
    principal: Principal,
    product: Product,
    subject: str,
    limits: Limits,
    moment: datetime,
    request: idempotency.NamedRequest | None,
) -> Admission:
    """Take what a request costs, and write down what was taken; all of it or nothing."""
    row = Admission(
        product=product,
        subject=subject,
        api_key_id=principal.key_id,
        created_at=moment,
        expires_at=moment + LEASES[product],
        idempotency_key=request.key if request is not None else "",
        request_sha256=request.sha256 if request is not None else "",
    )
    if principal.user_id is not None:
        row.account = account_of(user_id=principal.user_id)
    if limits.daily is not None:
        day = _day(product, subject, limits)
        row.day = count_in_day(day=day, amount=1, limit=limits.daily, moment=moment)
        if row.day is None:
            raise _exhausted(principal, product, subject, limits, moment)
    if limits.cost:
        free = _free(product, subject)
        row.free_day = count_in_day(day=free, amount=limits.cost, limit=limits.free_credits, moment=moment)
        if row.free_day is not None:
            row.free = limits.cost
        elif row.account is None or not take_from_balance(account_id=row.account.pk, amount=limits.cost):
            raise _insufficient(principal, product, subject, limits, moment)
        else:
            row.paid = limits.cost
    row.save(force_insert=True)
    if row.paid:
        _enter(row, EntryKind.CHARGE, -row.paid)
    return row


def _require_turn(row: Admission, limits: Limits) -> None:
    """Refuse a request while as many of the caller are being worked on as may be.

    The day's counter, which this transaction has changed, lets one caller's requests in one after another, so
    that the number is exact wherever the requests of a day are counted.

    Raises:
        ConcurrencyExceeded: this one would be one too many.
    """
    running = Admission.objects.filter(
        subject=row.subject,
        product=row.product,
        status=AdmissionStatus.HELD,
        expires_at__gt=row.created_at,
    )
    if running.count() > limits.concurrency:
        raise ConcurrencyExceeded


def _enter(row: Admission, kind: EntryKind, amount: int) -> None:
    LedgerEntry.objects.create(
        account_id=row.account_id or 0,
        kind=kind,
        amount=amount,
        key=f"{kind}:{row.pk}",
        product=row.product,
        created_at=clock.now(),
    )


def _state(
    principal: Principal,
    product: Product,
    subject: str,
    limits: Limits,
    window: WindowState | None,
    moment: datetime,
) -> Snapshot:
    quota = free = None
    if limits.daily is not None:
        quota = day_state(day=_day(product, subject, limits), limit=limits.daily, moment=moment)
    if limits.cost and limits.free_credits:
        free = day_state(day=_free(product, subject), limit=limits.free_credits, moment=moment)
    balance = None if principal.user_id is None else balance_of(user_id=principal.user_id)
    return Snapshot(limits, window, quota, free, balance)


def _exhausted(
    principal: Principal, product: Product, subject: str, limits: Limits, moment: datetime
) -> DomainError:
    window = None
    if limits.rate is not None:
        window = read_window(key=f"{product}:{subject}:rate", limit=limits.rate, length_s=limits.rate_s)
    state = _state(principal, product, subject, limits, window, moment)
    seconds = state.quota.seconds_left if state.quota is not None else 1
    return QuotaExhausted(snapshot=state, retry_after_s=seconds)


def _insufficient(
    principal: Principal, product: Product, subject: str, limits: Limits, moment: datetime
) -> DomainError:
    state = _state(principal, product, subject, limits, None, moment)
    if state.free is None:
        return InsufficientCredits(snapshot=state, resets_at=None)
    return InsufficientCredits(
        snapshot=state, resets_at=state.free.resets_at, retry_after_s=state.free.seconds_left
    )


def _day(product: Product, subject: str, limits: Limits) -> Day:
    return Day(product, subject, Counted.REQUESTS, limits.day_edge)


def _free(product: Product, subject: str) -> Day:
    return Day(product, subject, Counted.FREE_CREDITS, DayEdge.UTC)
