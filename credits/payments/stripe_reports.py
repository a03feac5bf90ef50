"""Stripe's objects, in the words of the port. What each has is at https://docs.stripe.com/api."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from credits.payments.port import (
    CheckoutReport,
    Event,
    ForStaff,
    MoneyBack,
    SubscriptionReport,
    SubscriptionState,
)

#: States in which a subscription gives what was paid for. ``past_due`` is one: a renewal failed and is tried
#: again, and what comes of it is ``active``, or ``unpaid`` or ``canceled`` in the end.
_RUNNING = frozenset({"active", "trialing", "past_due"})
_PAID = frozenset({"paid", "no_payment_required"})

Facts = dict[str, Any]


def event_of(body: Any) -> Event:
    """Read an event.

    Raises:
        ValueError, TypeError: it is none.
    """
    if not isinstance(body, dict) or body.get("object") != "event":
        raise ValueError("no event")
    kind, data = _text(body, "type"), body.get("data")
    found = data.get("object") if isinstance(data, dict) else None
    if not isinstance(found, dict):
        raise TypeError("an event of nothing")
    return Event(
        event_id=_text(body, "id"),
        kind=kind,
        created_at=_moment(body.get("created")),
        report=_report_of(kind, found),
    )


def subscription_of(found: Facts) -> SubscriptionState:
    """Read a subscription.

    Raises:
        ValueError, TypeError: it is none.
    """
    items = _items(found)
    # Since the API version of 2025-03-31 each item has its own period; before, the subscription had one.
    ends = [item["current_period_end"] for item in items if item.get("current_period_end")]
    period_end = max(ends, default=found.get("current_period_end"))
    status = _text(found, "status")
    return SubscriptionState(
        subscription_id=_text(found, "id"),
        order_id=_metadata(found).get("order", ""),
        customer_id=_reference(found.get("customer")),
        status=status,
        runs=status in _RUNNING,
        price_ids=tuple(_reference(item.get("price")) for item in items),
        renews_at=_moment(period_end) if period_end is not None else None,
        ends=bool(found.get("cancel_at_period_end") or found.get("cancel_at")),
    )


def _report_of(kind: str, found: Facts) -> CheckoutReport | MoneyBack | SubscriptionReport | ForStaff | None:
    match kind:
        case (
            "checkout.session.completed"
            | "checkout.session.async_payment_succeeded"
            | "checkout.session.async_payment_failed"
        ):
            return _checkout(kind, found)
        case "charge.refunded":
            return MoneyBack(
                payment_id=_payment_of(found),
                order_id=_metadata(found).get("order", ""),
                amount=_number(found, "amount"),
                refunded=_number(found, "amount_refunded"),
            )
        case "charge.dispute.created":
            return MoneyBack(payment_id=_payment_of(found), order_id="", disputed=_number(found, "amount"))
        case "charge.dispute.closed" if found.get("status") == "won":
            return ForStaff(_payment_of(found), "a dispute was won: grant the credits that it took, by hand")
        case "invoice.paid":
            subscription_id = _subscription_of_invoice(found)
            return SubscriptionReport(subscription_id) if subscription_id else None
        case _ if kind.startswith("customer.subscription.") and found.get("object") == "subscription":
            return SubscriptionReport(_text(found, "id"))
        case _:
            return None


def _checkout(kind: str, found: Facts) -> CheckoutReport | SubscriptionReport | None:
    facts = _metadata(found)
    if found.get("mode") == "subscription":
        subscription_id = _reference(found.get("subscription"))
        return SubscriptionReport(subscription_id) if subscription_id else None
    if found.get("mode") != "payment" or not facts.get("order"):
        # Somebody else's: other shops may use the same Stripe account.
        return None
    is_failed = kind == "checkout.session.async_payment_failed"
    return CheckoutReport(
        order_id=facts["order"],
        session_id=_text(found, "id"),
        price_id=facts.get("price", ""),
        is_paid=not is_failed and found.get("payment_status") in _PAID,
        is_failed=is_failed,
        subtotal=_number(found, "amount_subtotal"),
        total=_number(found, "amount_total"),
        currency=_text(found, "currency").upper(),
        payment_id=_reference(found.get("payment_intent")),
    )


def _payment_of(found: Facts) -> str:
    """The payment of a charge or a dispute; the charge itself where it has none."""
    charge = found.get("charge") if found.get("object") == "dispute" else found.get("id")
    return _reference(found.get("payment_intent")) or _reference(charge)


def _subscription_of_invoice(found: Facts) -> str:
    # Since the API version of 2025-03-31 it stands under the invoice's parent.
    parent = found.get("parent")
    details = parent.get("subscription_details") if isinstance(parent, dict) else None
    if isinstance(details, dict):
        return _reference(details.get("subscription"))
    return _reference(found.get("subscription"))


def _items(found: Facts) -> list[Facts]:
    listed = found.get("items")
    data = listed.get("data") if isinstance(listed, dict) else None
    return [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []


def _metadata(found: Facts) -> dict[str, str]:
    given = found.get("metadata")
    pairs = given.items() if isinstance(given, dict) else ()
    return {key: value for key, value in pairs if isinstance(value, str)}


def _reference(value: Any) -> str:
    """The name of another object, which an answer may hold whole or by its name alone."""
    if isinstance(value, dict):
        value = value.get("id")
    return value if isinstance(value, str) else ""


def _text(found: Facts, name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 255:
        raise ValueError(name)
    return value


def _number(found: Facts, name: str) -> int:
    value = found.get(name)
    if not isinstance(value, int) or not 0 <= value < 2**62:
        raise ValueError(name)
    return value


def _moment(value: Any) -> datetime:
    if not isinstance(value, int) or not 0 <= value < 2**33:
        raise ValueError("no time")
    return datetime.fromtimestamp(value, UTC)
