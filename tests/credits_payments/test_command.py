"""``manage.py credits_packs``."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

from django.core.management import call_command

from tests.credits_payments.conftest import Deliver
from tests.credits_payments.stand_in import StandIn


def run(*arguments: str) -> Any:
    output = StringIO()
    call_command("credits_packs", "--json", *arguments, stdout=output)
    return json.loads(output.getvalue())


def test_nothing_is_on_offer_by_default(db: None) -> None:
    assert run() == {
        "selling": False,
        "contact": "none",
        "packs": [],
        "subscriptions": [],
        "events_for_staff": 0,
        "newest_events": [],
    }


def test_offers_and_what_staff_must_settle_are_listed(stripe: StandIn, deliver: Deliver) -> None:
    lost = {
        "id": "ch_1",
        "object": "charge",
        "payment_intent": "pi_lost",
        "amount": 10,
        "amount_refunded": 10,
    }
    deliver(stripe.event("charge.refunded", lost))
    found = run()
    assert found["packs"][0] == "100 credits for 4.99 EUR (price_hundred)"
    assert found["subscriptions"][1] == "business for 490.00 EUR a year (price_business)"
    assert found["events_for_staff"] == 1
    assert "charge.refunded pi_lost: no order of credits" in found["newest_events"][0]
    assert run("--events", "0")["newest_events"] == []
