"""The port to a payment provider: what is asked of one, and what it reports, in words of ours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from credits.payments.offers import Offer


@dataclass(frozen=True, slots=True)
class CheckoutRequest:
    """A checkout that is to be opened.

    Attributes:
        order_id: our name of it; the provider hands it back with every report.
        email: the buyer's, filled in for them.
        success_url, cancel_url: where the buyer comes back to.
    """

    order_id: str
    offer: Offer
    email: str
    success_url: str
    cancel_url: str


@dataclass(frozen=True, slots=True)
class OpenedCheckout:
    """A checkout that waits for its buyer at ``url``."""

    session_id: str
    url: str


@dataclass(frozen=True, slots=True)
class SubscriptionState:
    """A subscription as it is now.

    Attributes:
        order_id: the order that began it; empty for one that did not begin here.
        status: the provider's word.
        runs: whether what it gives is to be given now.
        price_ids: prices of its parts.
        renews_at: when the running period ends.
        ends: whether it ends then.
    """

    subscription_id: str
    order_id: str
    customer_id: str
    status: str
    runs: bool
    price_ids: tuple[str, ...]
    renews_at: datetime | None = None
    ends: bool = False


@dataclass(frozen=True, slots=True)
class CheckoutReport:
    """A checkout for a pack was completed: paid, with the money on its way, or in vain.

    Attributes:
        is_paid, is_failed: neither where the money is on its way.
        subtotal: in the smallest unit of ``currency``, before taxes and discounts.
        total: what was paid.
        payment_id: empty where nothing had to be paid.
    """

    order_id: str
    session_id: str
    price_id: str
    is_paid: bool
    is_failed: bool
    subtotal: int
    total: int
    currency: str
    payment_id: str


@dataclass(frozen=True, slots=True)
class MoneyBack:
    """Money of a payment went back, or is claimed back.

    Attributes:
        order_id: empty where the provider does not say.
        amount: of the payment; 0 where the provider does not say.
        refunded, disputed: sums until now, in the smallest unit of the currency.
    """

    payment_id: str
    order_id: str
    amount: int = 0
    refunded: int = 0
    disputed: int = 0


@dataclass(frozen=True, slots=True)
class SubscriptionReport:
    """Something happened to a subscription; how it is now has to be asked."""

    subscription_id: str


@dataclass(frozen=True, slots=True)
class ForStaff:
    """Something that only a person can settle."""

    about: str
    note: str


@dataclass(frozen=True, slots=True)
class Event:
    """A report of the provider, its signature checked.

    Attributes:
        event_id: the same for every delivery of the same event.
        created_at: when it happened.
        report: None where it is of no concern to us.
    """

    event_id: str
    kind: str
    created_at: datetime
    report: CheckoutReport | MoneyBack | SubscriptionReport | ForStaff | None


class PaymentProvider(Protocol):
    """Takes money, and says so. Calls have time limits, and none may be made inside a transaction."""

    def open_checkout(self, request: CheckoutRequest) -> OpenedCheckout:
        """Open a page at which an offer can be paid; the same order opens it once.

        Raises:
            ProviderUnavailable, ProviderRefused: as the names say.
        """
        ...

    def open_billing(self, *, customer_id: str, return_url: str) -> str:
        """The address of a page at which a customer manages subscriptions.

        Raises:
            ProviderUnavailable, ProviderRefused: as the names say.
        """
        ...

    def read_event(self, *, body: bytes, signature: str) -> Event:
        """Check a report's signature, and read it.

        Raises:
            EventUnsigned: the signature is not the provider's, or is too old.
            EventMalformed: it is, and what it signs is no event.
        """
        ...

    def read_subscription(self, *, subscription_id: str) -> SubscriptionState | None:
        """How a subscription is now; None where the provider knows none of that name.

        Raises:
            ProviderUnavailable, ProviderRefused: as the names say.
        """
        ...

    def cancel_subscription(self, *, subscription_id: str) -> None:
        """End a subscription at once, without another payment; one that has ended stays so.

        Raises:
            ProviderUnavailable, ProviderRefused: as the names say.
        """
        ...
