"""The documents' figures, and the rows by which staff change them."""

from __future__ import annotations

import io
import json
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from accounts.models import Tier
from credits.models import Policy
from credits.policies import DOCUMENTED, LEASES, DayEdge, Limits, PolicyTier, Product
from credits.services import limits_of
from tests.policies import set_policy

pytestmark = pytest.mark.django_db
DAY_S = 86_400


def seed() -> None:
    """What the migration does."""
    import_module("credits.migrations.0002_documented_policies").seed(
        apps, SimpleNamespace(connection=connection)
    )


def test_rows_are_seeded_with_the_documents_figures() -> None:
    Policy.objects.all().delete()
    seed()
    seeded = {(Product(row.product), PolicyTier(row.tier)): row.limits for row in Policy.objects.all()}
    assert seeded == DOCUMENTED


def test_seeding_leaves_what_staff_changed() -> None:
    set_policy(Product.WHAT_ANIME, daily=77)
    seed()
    assert limits_of(product=Product.WHAT_ANIME, tier="guest").daily == 77


@pytest.mark.parametrize(
    ("product", "tier", "limits"),
    [
        (Product.WHAT_ANIME, "guest", Limits(rate=100, rate_s=3600, daily=5)),
        (Product.WHAT_ANIME, "free", Limits(rate=100, rate_s=3600, cost=1, free_credits=10)),
        (Product.WHAT_ANIME, "enterprise", Limits(rate=100, rate_s=3600, cost=1, free_credits=10)),
        (Product.TRACE_MOE, "guest", Limits(rate=10, daily=150, day_edge=DayEdge.FIRST_USE)),
        (Product.TRACE_MOE, "free", Limits(rate=10, daily=1000, day_edge=DayEdge.FIRST_USE, priority=1)),
        (Product.API_V1, "free", Limits(daily=10)),
        (Product.API_V1, "pro", Limits(daily=100)),
        (Product.API_V1, "business", Limits(daily=1000)),
        (Product.API_V1, "enterprise", Limits()),
        (Product.ANALYSIS, "free", Limits(cost=1)),
    ],
)
def test_figures_are_those_of_the_documents(product: Product, tier: str, limits: Limits) -> None:
    assert limits_of(product=product, tier=tier) == limits


def test_patrons_of_trace_moe_have_ten_to_thirty_a_minute_and_up_to_three_thousand_a_day() -> None:
    tiers = [limits_of(product=Product.TRACE_MOE, tier=tier) for tier in Tier]
    assert (
        sorted(limits.rate or 0 for limits in tiers) == [limits.rate for limits in tiers] == [10, 20, 30, 30]
    )
    assert [limits.daily for limits in tiers] == [1000, 2000, 3000, 3000]


def test_every_tier_of_accounts_has_a_policy_of_every_product() -> None:
    assert set(DOCUMENTED) == {(product, tier) for product in Product for tier in PolicyTier}
    assert {tier.value for tier in Tier} | {"guest"} == {tier.value for tier in PolicyTier}
    assert set(LEASES) == set(Product)


def test_row_that_is_missing_means_the_documents_figure() -> None:
    Policy.objects.all().delete()
    assert (
        limits_of(product=Product.WHAT_ANIME, tier="guest")
        == DOCUMENTED[Product.WHAT_ANIME, PolicyTier.GUEST]
    )


def test_change_of_a_row_holds_at_once() -> None:
    for daily in (7, None, 0):
        set_policy(Product.WHAT_ANIME, daily=daily)
        assert limits_of(product=Product.WHAT_ANIME, tier="guest").daily == daily


def test_database_refuses_two_rows_of_one_tier_and_a_window_without_length() -> None:
    set_policy(Product.WHAT_ANIME)
    for row in (Policy(product="whatanime", tier="guest"), Policy(product="x", tier="y", rate_s=0)):
        with pytest.raises(IntegrityError), transaction.atomic():
            row.save()


def run(*arguments: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("credits_policy", *arguments, "--json", stdout=out)
    summary: dict[str, Any] = json.loads(out.getvalue())
    return summary


def test_command_shows_and_changes_a_policy() -> None:
    assert len([name for name in run() if name.count(" ") == 1]) == len(DOCUMENTED)
    assert run("whatanime", "guest")["whatanime guest"]["daily"] == 5
    changed = run("whatanime", "guest", "--daily", "none", "--rate", "7", "--rate-s", "10")
    assert changed["whatanime guest"]["rate"] == 7
    assert limits_of(product=Product.WHAT_ANIME, tier="guest") == Limits(rate=7, rate_s=10, daily=None)
    assert (
        limits_of(product=Product.WHAT_ANIME, tier="free") == DOCUMENTED[Product.WHAT_ANIME, PolicyTier.FREE]
    )


def test_command_that_is_tried_changes_nothing() -> None:
    shown = run("whatanime", "guest", "--daily", "9", "--dry-run")
    assert shown["whatanime guest"]["daily"] == 9
    assert limits_of(product=Product.WHAT_ANIME, tier="guest").daily == 5


@pytest.mark.parametrize(
    "arguments",
    [
        ("--daily", "5"),
        ("whatanime", "--daily", "5"),
        ("whatanime", "guest", "--rate-s", "0"),
        ("whatanime", "guest", "--daily", "-1"),
        ("whatanime", "guest", "--daily", "many"),
        ("whatanime", "guest", "--rate", "3000000000"),
        ("nothing",),
        ("whatanime", "nobody"),
    ],
)
def test_command_refuses_what_makes_no_sense(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run(*arguments)
    assert (
        limits_of(product=Product.WHAT_ANIME, tier="guest")
        == DOCUMENTED[Product.WHAT_ANIME, PolicyTier.GUEST]
    )
