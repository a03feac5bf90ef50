"""The pages of credits and tiers."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Tier, User
from accounts.principal import Principal, PrincipalKind
from accounts.tiers import set_tier
from config.settings.web import content_security_policy
from core.clock import now
from credits.ledger import grant_credits
from credits.models import Admission, Policy
from credits.policies import Product
from credits.services import admitted
from tests.credits_payments.conftest import Deliver, go_to_checkout
from tests.credits_payments.stand_in import StandIn

PAGE = "/account/credits"


def text_of(client: Client, address: str = PAGE) -> str:
    """What a page says, its spaces made one."""
    answer = client.get(address)
    assert answer.status_code == 200
    words: list[str] = []
    parser = HTMLParser()
    parser.handle_data = words.append
    parser.feed(answer.content.decode())
    return re.sub(r"\s+", " ", " ".join(words))


def use(user: User, product: Product, times: int = 1) -> None:
    principal = Principal(kind=PrincipalKind.USER, user_id=user.pk, tier=user.tier)
    for _ in range(times):
        with admitted(principal=principal, product=product):
            pass


def test_page_tells_tier_balance_and_free_credits(signed_in: Client, user: User) -> None:
    grant_credits(user_id=user.pk, amount=42, reason="Thank you", actor="staff:1")
    use(user, Product.WHAT_ANIME, 3)
    page = text_of(signed_in)
    assert "42 credits" in page
    assert "7 of 10 left" in page
    assert "New ones at 00:00 UTC" in page
    assert "Tier Free" in page
    assert "Granted by staff: Thank you" in page
    assert "+42" in page


def test_page_tells_limits_in_words(signed_in: Client, user: User) -> None:
    page = text_of(signed_in)
    assert "100 an hour 10 free credits a day, then 1 credit each" in page
    assert "1,000 a day 10 a minute" in page
    set_tier(user_ids=[user.pk], tier=Tier.ENTERPRISE)
    assert "Requests of the analysis API Without limit" in text_of(signed_in)


def test_limits_that_staff_edit_show_at_once(signed_in: Client) -> None:
    Policy.objects.filter(product="whatanime", tier="free").update(rate=3, rate_s=10, free_credits=0, cost=2)
    page = text_of(signed_in)
    assert "3 in 10 seconds 2 credits each" in page
    assert "Free today" not in page


def test_use_is_drawn_and_told_in_a_table(signed_in: Client, user: User) -> None:
    use(user, Product.WHAT_ANIME, 3)
    Admission.objects.update(created_at=now() - timedelta(days=2))
    use(user, Product.WHAT_ANIME, 2)
    page = signed_in.get(PAGE).content.decode()
    bars = re.findall(r'<rect class="use-1" x="([\d.]+)" y="([\d.]+)" width="7" height="([\d.]+)"', page)
    assert bars == [("271.5", "0.0", "100.0"), ("291.5", "33.33", "66.67")]
    assert "Scene search: 5" in page
    assert len(re.findall(r'<th scope="row">', page)) == 2


def test_page_without_use_says_so(signed_in: Client) -> None:
    page = text_of(signed_in)
    assert "Nothing was used in this time." in page
    assert "No credits came or went yet." in page


def test_ledger_is_shown_in_pages(signed_in: Client, user: User) -> None:
    for number in range(45):
        grant_credits(user_id=user.pk, amount=1, reason=f"gift {number} <b>&", actor="test")
    first = signed_in.get(PAGE).content.decode()
    assert "gift 44 &lt;b&gt;&amp;" in first
    assert "gift 24 " not in first
    assert 'href="/account/credits?page=2#ledger"' in first
    assert "gift 4 " in text_of(signed_in, f"{PAGE}?page=3")
    assert "Page 3 of 3" in text_of(signed_in, f"{PAGE}?page=999999999999999999999")
    assert "Page 1 of 3" in text_of(signed_in, f"{PAGE}?page=%00")


def test_page_asks_the_database_little(
    signed_in: Client, user: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(45):
        grant_credits(user_id=user.pk, amount=1, reason=f"gift {number}", actor="test")
    use(user, Product.WHAT_ANIME, 3)
    with django_assert_max_num_queries(12):
        signed_in.get(PAGE)


@pytest.mark.parametrize("name", ["account-credits-buy", "account-credits-billing"])
def test_coming_back_from_signing_in_leads_to_the_page(signed_in: Client, name: str) -> None:
    answer = signed_in.get(reverse(name))
    assert (answer.status_code, answer["Location"]) == (302, PAGE)


def test_subscriber_finds_the_bills_where_nothing_is_sold_any_more(
    stripe: StandIn, signed_in: Client, deliver: Deliver, settings: Settings
) -> None:
    go_to_checkout(signed_in, "pro-month")
    deliver(stripe.event("customer.subscription.created", stripe.subscribe()))
    settings.CREDIT_PACKS = settings.TIER_SUBSCRIPTIONS = ()
    page = text_of(signed_in)
    assert "Manage the subscription" in page
    assert "Nothing is sold on this site." in page


@pytest.mark.parametrize("name", ["account-credits", "account-credits-cancelled", "account-keys"])
def test_pages_of_an_account_ask_to_sign_in_and_are_kept_nowhere(
    client: Client, user: User, name: str
) -> None:
    answer = client.get(reverse(name))
    assert (answer.status_code, answer["Location"]) == (
        302,
        f"{reverse('account_login')}?next={reverse(name)}",
    )
    client.force_login(user)
    answer = client.get(reverse(name))
    assert {"no-store", "private"} <= set(answer["Cache-Control"].split(", "))


def test_offers_are_shown_with_their_prices(stripe: StandIn, signed_in: Client) -> None:
    page = text_of(signed_in)
    assert "100 credits 4.99 EUR Buy" in page
    assert "Pro 9.00 EUR a month Subscribe" in page
    assert "Business 490.00 EUR a year" in page
    assert stripe.asked == []


def test_subscription_takes_the_place_of_the_offers(
    stripe: StandIn, signed_in: Client, deliver: Deliver
) -> None:
    go_to_checkout(signed_in, "pro-month")
    deliver(stripe.event("customer.subscription.created", stripe.subscribe()))
    page = text_of(signed_in)
    assert "You are subscribed to Pro. It is renewed on" in page
    assert "a month Subscribe" not in page
    ending = stripe.subscribe()
    ending["cancel_at_period_end"] = True
    deliver(stripe.event("customer.subscription.updated", ending))
    assert "Your subscription to Pro ends on" in text_of(signed_in)
    korean = signed_in.get(PAGE, headers={"accept-language": "ko"}).content.decode()
    assert "프로 구독은" in korean
    assert not re.search(r"\bPro\b", korean)
    deliver(stripe.event("customer.subscription.deleted", stripe.subscribe(status="canceled")))
    page = text_of(signed_in)
    assert "has ended" in page
    assert "Pro 9.00 EUR a month Subscribe" in page


def test_order_that_is_paid_says_so(stripe: StandIn, signed_in: Client, deliver: Deliver) -> None:
    go_to_checkout(signed_in)
    session = stripe.paid()
    deliver(stripe.event("checkout.session.completed", session))
    address = f"{PAGE}/orders/{session['metadata']['order']}"
    assert "100 credits were added to your account. You have 100 now." in text_of(signed_in, address)


@pytest.mark.parametrize(
    ("contact", "shown"),
    [
        ("", "ask whoever runs it"),
        ("billing@scenes.example", 'href="mailto:billing@scenes.example"'),
        ("https://scenes.example/contact?a=1&b=2", 'href="https://scenes.example/contact?a=1&amp;b=2"'),
    ],
)
@pytest.mark.parametrize("address", [PAGE, "/pricing"])
def test_without_keys_pages_say_how_to_reach_the_operator(
    signed_in: Client, settings: Settings, contact: str, shown: str, address: str
) -> None:
    settings.CREDITS_CONTACT = contact
    page = signed_in.get(address).content.decode()
    assert shown in page
    assert reverse("account-credits-buy") not in page


def test_pricing_is_for_everybody(client: Client, user: User, stripe: StandIn) -> None:
    page = text_of(client, "/pricing")
    for words in ("Guest", "Pro", "9.00 EUR a month", "5 a day", "3,000 a day", "100 credits for 4.99 EUR"):
        assert words in page
    assert "you, for now" in page
    client.force_login(user)
    assert "Free yours" in text_of(client, "/pricing")


def test_pricing_reads_the_figures_that_staff_edit(client: Client, db: None) -> None:
    Policy.objects.filter(product="whatanime", tier="guest").update(daily=77)
    assert "77 a day" in text_of(client, "/pricing")
    Policy.objects.all().delete()
    assert "5 a day" in text_of(client, "/pricing")


def test_pages_have_nothing_that_the_content_policy_refuses(
    stripe: StandIn, signed_in: Client, user: User
) -> None:
    use(user, Product.WHAT_ANIME)
    for address in (PAGE, "/pricing", "/account/keys"):
        page = signed_in.get(address).content.decode()
        assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*src=)|javascript:", page)


def test_forms_may_lead_to_the_provider_where_it_is_set_up() -> None:
    origins = ["https://checkout.stripe.com", "https://billing.stripe.com"]
    directives = content_security_policy(form_targets=origins)["DIRECTIVES"]
    assert directives["form-action"][1:] == origins
