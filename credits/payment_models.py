"""What was ordered and paid: the records that make a grant for a payment happen once, and undo it in proportion."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class OrderStatus(models.TextChoices):
    """States of an order. Once paid it stays so: what is given back later is on its payment."""

    OPEN = "open", _("not paid")
    PENDING = "pending", _("payment is on its way")
    PAID = "paid", _("paid")
    FAILED = "failed", _("payment failed")


class Order(models.Model):
    """Something that a user went to the checkout for: a pack of credits, or a subscription to a tier.

    What is granted later is what stands here, written before the checkout was opened, and not what the settings
    say by then or what a browser sends.

    Attributes:
        offer: name of the offer in the settings of that day: ``pack-100``, ``pro-month``.
        credits: of a pack; 0 for a subscription.
        tier: of a subscription; empty for a pack.
        amount: price in the smallest unit of ``currency``, taxes and discounts not counted.
        session_id: the checkout's name at the provider.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey("credits.CreditAccount", on_delete=models.PROTECT, related_name="orders")
    offer = models.CharField(max_length=40)
    price_id = models.CharField(max_length=255)
    credits = models.PositiveIntegerField(default=0)
    tier = models.CharField(max_length=20, blank=True)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=7, choices=OrderStatus.choices, default=OrderStatus.OPEN)
    session_id = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account", "-created_at"], name="order_newest_of_account")
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(credits__gt=0, tier="") | (Q(credits=0) & ~Q(tier="")),
                name="order_is_of_credits_or_of_a_tier",
            ),
            models.CheckConstraint(
                condition=Q(paid_at__isnull=False, status="paid")
                | (Q(paid_at__isnull=True) & ~Q(status="paid")),
                name="order_is_paid_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.offer}: {self.status}"


class Payment(models.Model):
    """A payment for a pack, and how much of it went back: by refunds, and by disputes.

    It can be heard of before its order is known to be paid, since the provider's events come in any order. The
    amounts only grow, so that a late event changes nothing.

    Attributes:
        payment_id: its name at the provider.
        amount, refunded, disputed: in the smallest unit of the currency, taxes counted; ``amount`` is 0 until
            it is known.
        reversed_credits: credits that were asked back for it; fewer were taken where they had been used.
    """

    payment_id = models.CharField(max_length=255, unique=True)
    order = models.OneToOneField(Order, null=True, on_delete=models.PROTECT, related_name="payment")
    amount = models.BigIntegerField(default=0)
    refunded = models.BigIntegerField(default=0)
    disputed = models.BigIntegerField(default=0)
    reversed_credits = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.payment_id


class Subscription(models.Model):
    """A subscription to a tier, as it was when the provider was last asked.

    Attributes:
        status: the provider's word: ``active``, ``past_due``, ``canceled`` and others.
        tier: what it gives while it runs.
        runs: whether it gives it now.
        renews_at: when the running period ends.
        ends: whether it ends then.
        read_at: when the question was sent whose answer this is; an answer to an earlier one is no news.
    """

    subscription_id = models.CharField(max_length=255, unique=True)
    account = models.ForeignKey(
        "credits.CreditAccount", on_delete=models.PROTECT, related_name="subscriptions"
    )
    customer_id = models.CharField(max_length=255)
    price_id = models.CharField(max_length=255)
    tier = models.CharField(max_length=20)
    status = models.CharField(max_length=30)
    runs = models.BooleanField(default=False)
    renews_at = models.DateTimeField(null=True, blank=True)
    ends = models.BooleanField(default=False)
    read_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.subscription_id}: {self.tier}, {self.status}"


class PaidTier(models.Model):
    """What subscriptions have done to a user's tier, so that a tier set by staff is told from a paid one.

    Attributes:
        tier: the best that running subscriptions give; empty without any.
        given: whether the user's tier was set to it; staff may have given a better one.
        before: the user's tier before that, which comes back in the end.
    """

    account = models.OneToOneField(
        "credits.CreditAccount", on_delete=models.CASCADE, related_name="paid_tier"
    )
    tier = models.CharField(max_length=20, blank=True)
    given = models.BooleanField(default=False)
    before = models.CharField(max_length=20, default="free")

    def __str__(self) -> str:
        return self.tier or "none"


class EventOutcome(models.TextChoices):
    """What became of an event."""

    DONE = "done", pgettext_lazy("event of a payment", "done")
    IGNORED = "ignored", _("of no concern")
    KEPT = "kept", _("kept for staff")


class PaymentEvent(models.Model):
    """An event of the provider that was acted on; its unique name is what makes that happen once.

    Attributes:
        created_at: when it happened, by the provider's clock.
        about: what it is about, by the provider's name: a checkout, a payment, a subscription.
        note: for staff: why nothing could be done, or what they should know.
    """

    event_id = models.CharField(max_length=255, unique=True)
    kind = models.CharField(max_length=100)
    outcome = models.CharField(max_length=7, choices=EventOutcome.choices)
    about = models.CharField(max_length=255, blank=True)
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    received_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(F("received_at").desc(), condition=Q(outcome="kept"), name="payment_event_kept")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}: {self.outcome}"
