"""Policies, the day's counters, admissions, and the accounts and ledger of credits."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, Never

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from credits.policies import DayEdge, Limits, PolicyTier, Product


class Policy(models.Model):
    """What a tier may use of a product. Staff edit these rows; a change holds from the next request on."""

    product = models.CharField(max_length=20, choices=Product.choices)
    tier = models.CharField(max_length=20, choices=PolicyTier.choices)
    rate = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("requests a window; empty: no limit")
    )
    rate_s = models.PositiveIntegerField(_("length of the window"), default=60, help_text=_("seconds"))
    daily = models.PositiveIntegerField(null=True, blank=True, help_text=_("requests a day; empty: no limit"))
    day_edge = models.CharField(_("day begins"), max_length=10, choices=DayEdge.choices, default=DayEdge.UTC)
    cost = models.PositiveIntegerField(default=0, help_text=_("credits that one use takes"))
    free_credits = models.PositiveIntegerField(
        default=0, help_text=_("credits a day that are taken before bought ones, and expire at midnight UTC")
    )
    concurrency = models.PositiveIntegerField(
        default=1, help_text=_("requests at a time, at today’s trace.moe API")
    )
    priority = models.PositiveIntegerField(
        default=0, help_text=_("0 to 4: how much of the queue may be filled, at today’s trace.moe API")
    )

    class Meta:
        verbose_name_plural = _("policies")
        ordering: ClassVar[list[str]] = ["product", "pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["product", "tier"], name="one_policy_a_product_and_tier"),
            models.CheckConstraint(condition=Q(rate_s__gte=1), name="policy_window_has_a_length"),
        ]

    def __str__(self) -> str:
        return f"{self.product} / {self.tier}"

    @property
    def limits(self) -> Limits:
        return Limits(
            rate=self.rate,
            rate_s=self.rate_s,
            daily=self.daily,
            day_edge=DayEdge(self.day_edge),
            cost=self.cost,
            free_credits=self.free_credits,
            concurrency=self.concurrency,
            priority=self.priority,
        )


class Counted(models.TextChoices):
    """What a day's counter counts."""

    REQUESTS = "requests", _("requests")
    FREE_CREDITS = "free", _("free credits")


class DayCount(models.Model):
    """How much of a day's allowance a subject has used; there is one row a subject and day.

    ``serial`` numbers a subject's days without gaps in their order: for days from midnight to midnight it is
    the day's ordinal, for days that begin with the first use it counts up. The unique row is what makes a
    second grant for the same day impossible, also when the clock is set back.
    """

    product = models.CharField(max_length=20, choices=Product.choices)
    subject = models.CharField(max_length=64)
    counts = models.CharField(max_length=10, choices=Counted.choices)
    serial = models.PositiveIntegerField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(db_index=True)
    used = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["subject", "product", "counts", "serial"], name="one_count_a_subject_and_day"
            )
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.product} {self.counts} {self.serial}: {self.used}"


class CreditAccount(models.Model):
    """The credits of a user. It outlives the user without a name, so that the ledger stays whole."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="credit_account"
    )
    balance = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(balance__gte=0), name="balance_is_not_negative")
        ]

    def __str__(self) -> str:
        return f"{self.user_id or 'closed'}: {self.balance}"


class EntryKind(models.TextChoices):
    """Why credits came or went."""

    GRANT = "grant", _("granted by staff")
    REVOKE = "revoke", _("taken by staff")
    PURCHASE = "purchase", _("bought")
    REVERSAL = "reversal", _("purchase undone")
    CHARGE = "charge", _("used")
    REFUND = "refund", _("given back")


class LedgerEntry(models.Model):
    """One change of a balance. Entries are only ever added: the balance is their sum.

    Attributes:
        key: unique name of the change ("charge of admission …", "event … of the payment provider"), so that
            the same change cannot be written twice.
        actor: who did it: ``staff:5``, ``command``, ``stripe``; empty for the metering itself.
    """

    account = models.ForeignKey(CreditAccount, on_delete=models.PROTECT, related_name="entries")
    kind = models.CharField(max_length=10, choices=EntryKind.choices)
    amount = models.BigIntegerField()
    key = models.CharField(max_length=120, unique=True)
    product = models.CharField(max_length=20, choices=Product.choices, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    actor = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = _("ledger entries")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account", "-created_at"], name="ledger_newest_of_account"),
            models.Index(
                fields=["created_at"],
                condition=~Q(kind__in=["charge", "refund"]),
                name="ledger_moves_by_age",
            ),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(kind__in=["grant", "purchase", "refund"], amount__gt=0)
                | Q(kind__in=["revoke", "reversal", "charge"], amount__lt=0),
                name="ledger_amount_has_the_sign_of_its_kind",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount:+d}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the entry.

        Raises:
            TypeError: it was added before.
        """
        if not self._state.adding:
            raise TypeError("a ledger entry is never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Never:
        """Refused.

        Raises:
            TypeError: always.
        """
        raise TypeError("a ledger entry is never deleted")


class AdmissionStatus(models.TextChoices):
    """States of an admission: held while the work is done, then one of the others for good."""

    HELD = "held", _("held")
    SETTLED = "settled", _("settled")
    REFUNDED = "refunded", _("refunded")


class Admission(models.Model):
    """A use of a product that was let in, and what was taken for it: enough to give it back exactly once.

    Attributes:
        subject: whom it is counted for: ``user:5``, or a keyed hash of a guest's address.
        api_key_id: the API key that was shown; no reference, since a key may be forgotten.
        day, free_day: the counters that hold it, where one does.
        paid: credits that were taken from the balance.
        expires_at: from then on a held one belongs to a process that died.
        idempotency_key: the caller's name for the request; refunding frees it.
        request_sha256: what was asked under that name.
        answer: what was answered, to be said again.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    product = models.CharField(max_length=20, choices=Product.choices)
    subject = models.CharField(max_length=64)
    account = models.ForeignKey(CreditAccount, null=True, on_delete=models.PROTECT, related_name="admissions")
    api_key_id = models.BigIntegerField(null=True)
    status = models.CharField(max_length=8, choices=AdmissionStatus.choices, default=AdmissionStatus.HELD)
    day = models.ForeignKey(DayCount, null=True, on_delete=models.PROTECT, related_name="admissions")
    free_day = models.ForeignKey(
        DayCount, null=True, on_delete=models.PROTECT, related_name="free_admissions"
    )
    free = models.PositiveIntegerField(default=0)
    paid = models.PositiveIntegerField(default=0)
    idempotency_key = models.CharField(max_length=255, blank=True)
    request_sha256 = models.CharField(max_length=64, blank=True)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["expires_at"], condition=Q(status="held"), name="admission_held_until"),
            models.Index(fields=["subject", "product", "created_at"], name="admission_of_subject"),
            models.Index(fields=["created_at"], name="admission_by_age"),
            models.Index(
                fields=["created_at"], condition=Q(answer__isnull=False), name="admission_answer_by_age"
            ),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["subject", "product", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="one_admission_an_idempotency_key",
            ),
            models.CheckConstraint(
                condition=Q(free=0) | Q(free_day__isnull=False), name="free_credits_are_of_a_day"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, status="held")
                | (Q(ended_at__isnull=False) & ~Q(status="held")),
                name="admission_ends_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product} {self.status}"


# The payments' models are this app's too; they refer to the accounts above.
from credits.payment_models import (  # noqa: E402
    Order,
    OrderStatus,
    PaidTier,
    Payment,
    PaymentEvent,
    Subscription,
)

__all__ = [
    "Admission",
    "AdmissionStatus",
    "Counted",
    "CreditAccount",
    "DayCount",
    "EntryKind",
    "LedgerEntry",
    "Order",
    "OrderStatus",
    "PaidTier",
    "Payment",
    "PaymentEvent",
    "Policy",
    "Subscription",
]
