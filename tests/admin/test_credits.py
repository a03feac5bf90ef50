"""Credits that staff move, the policies that they edit, and what was counted, to look at."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.principal import Principal, PrincipalKind
from credits import admin_moves
from credits.ledger import balance_of, grant_credits
from credits.models import Admission, EntryKind, LedgerEntry, Policy
from credits.policies import Product
from credits.reconcile import differences
from credits.services import admit, limits_of
from tests.admin.conftest import (
    MakeStaff,
    answer,
    changelist,
    choose,
    hidden_fields,
    make_users,
    messages_of,
    said,
)
from tests.policies import set_policy


def balances(*users: User) -> list[int]:
    return [balance_of(user_id=user.pk) for user in users]


def test_credits_are_given_through_the_ledger_with_the_reason(admin_client: Client, admin_user: User) -> None:
    first, second = make_users(2)
    grant_credits(user_id=second.pk, amount=7, reason="before", actor="command")
    page = choose(admin_client, "give_credits", [first, second])
    assert balances(first, second) == [0, 7]
    done = answer(admin_client, page, amount="50", reason="  a contest ")
    assert messages_of(done) == ["Credits of 2 users were moved."]
    assert balances(first, second) == [50, 57]
    entries = LedgerEntry.objects.exclude(reason="before").order_by("pk")
    assert [(each.kind, each.amount, each.reason, each.actor) for each in entries] == [
        (EntryKind.GRANT, 50, "a contest", f"staff:{admin_user.pk}")
    ] * 2
    assert said() == [
        (first.email, "Balance: 0 → 50 (+50 credits): a contest"),
        (second.email, "Balance: 7 → 57 (+50 credits): a contest"),
    ]
    assert differences() == []


def test_form_that_is_sent_twice_gives_once(admin_client: Client) -> None:
    user = make_users(1)[0]
    page = choose(admin_client, "give_credits", [user])
    answer(admin_client, page, amount="50", reason="a contest")
    done = answer(admin_client, page, amount="50", reason="a contest")
    assert messages_of(done) == ["This form was sent before: nothing was moved a second time."]
    assert (balances(user), LogEntry.objects.count()) == ([50], 1)
    answer(admin_client, choose(admin_client, "give_credits", [user]), amount="50", reason="again")
    assert balances(user) == [100]


def test_form_that_broke_off_gives_the_rest_when_it_is_sent_again(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = make_users(2)
    page = choose(admin_client, "give_credits", [first, second])
    log_changes = admin_moves.log_changes

    def break_off(request: Any, changes: Any) -> None:
        if changes[0][0] == second:
            raise OperationalError("the database went away")
        log_changes(request, changes)

    monkeypatch.setattr(admin_moves, "log_changes", break_off)
    assert answer(admin_client, page, amount="50", reason="a contest").status_code == 503
    # Nobody has credits of which the audit trail knows nothing.
    assert (balances(first, second), LogEntry.objects.count()) == ([50, 0], 1)
    monkeypatch.undo()
    answer(admin_client, page, amount="50", reason="a contest")
    assert (balances(first, second), LogEntry.objects.count()) == ([50, 50], 2)


@pytest.mark.parametrize(
    "answers",
    [
        {"amount": "0"},
        {"amount": "-5"},
        {"amount": "1000001"},
        {"amount": "1.5"},
        {"amount": ""},
        {"amount": "9" * 5000},
        {"amount": "lots"},
        {"amount": "5\x00"},
        {"reason": ""},
        {"reason": "   "},
        {"reason": "x" * 201},
        {"reason": "x\x00"},
        {"once": ""},
        {"once": "short"},
        {"once": "x" * 1000},
        {"once": "a b c d e f g h i j k"},
    ],
)
@pytest.mark.parametrize("action", ["give_credits", "take_credits"])
def test_bad_answers_are_refused_on_the_page(
    admin_client: Client, action: str, answers: dict[str, str]
) -> None:
    user = make_users(1)[0]
    page = choose(admin_client, action, [user])
    again = answer(admin_client, page, **{"amount": "5", "reason": "x", **answers})
    assert again.status_code == 200
    assert "errorlist" in again.content.decode()
    if "once" not in answers:
        assert hidden_fields(again) == hidden_fields(page)
    assert (balances(user), LedgerEntry.objects.count(), LogEntry.objects.count()) == ([0], 0, 0)


def test_who_has_less_than_is_taken_is_told_and_the_others_pay(admin_client: Client) -> None:
    rich, poor = make_users(2)
    grant_credits(user_id=rich.pk, amount=100, reason="before", actor="command")
    grant_credits(user_id=poor.pk, amount=9, reason="before", actor="command")
    page = choose(admin_client, "take_credits", [rich, poor])
    done = answer(admin_client, page, amount="10", reason="granted by mistake")
    assert messages_of(done) == [
        "Credits of 1 user were moved.",
        f"Nothing was moved for {poor.email}: The balance is smaller than that.",
    ]
    assert balances(rich, poor) == [90, 9]
    assert said() == [(rich.email, "Balance: 100 → 90 (-10 credits): granted by mistake")]
    assert differences() == []


def test_reason_cannot_carry_markup(admin_client: Client) -> None:
    user = make_users(1)[0]
    page = choose(admin_client, "give_credits", [user])
    answer(admin_client, page, amount="1", reason='[{"changed": 1}] <b>x</b>')
    for rows in ("credits_ledgerentry", "admin_logentry"):
        text = admin_client.get(changelist(rows)).content.decode()
        assert "&lt;b&gt;x&lt;/b&gt;" in text
        assert "<b>x</b>" not in text


def guests_policy() -> Policy:
    set_policy("whatanime", "guest")
    return Policy.objects.get(product=Product.WHAT_ANIME, tier="guest")


def edit(client: Client, policy: Policy, **fields: object) -> Any:
    where = reverse("admin:credits_policy_change", args=[policy.pk])
    form = client.get(where).context["adminform"].form
    kept = {name: "" if form.initial[name] is None else form.initial[name] for name in form.fields}
    return client.post(where, {**kept, **fields})


def test_edited_policy_holds_at_once_and_is_in_the_audit_trail(admin_client: Client) -> None:
    policy = guests_policy()
    assert edit(admin_client, policy, daily="50", rate="", day_edge="first_use").status_code == 302
    limits = limits_of(product=Product.WHAT_ANIME, tier="guest")
    assert (limits.daily, limits.rate, limits.rate_s) == (50, None, 3600)
    [(row, sentence)] = said()
    assert row == "whatanime / guest"
    assert sentence == (
        "Rate: 100 → none. Daily: 5 → 50. Day begins: at midnight UTC → with the first request, for 24 hours."
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"rate_s": "0"},
        {"rate_s": ""},
        {"rate_s": "86401"},
        {"rate": "-1"},
        {"rate": "2000000001"},
        {"daily": "9" * 30},
        {"daily": "1.5"},
        {"cost": "-1"},
        {"cost": ""},
        {"concurrency": "0"},
        {"free_credits": "x"},
        {"day_edge": "never"},
    ],
)
def test_policy_that_makes_no_sense_is_refused_in_words(admin_client: Client, fields: dict[str, str]) -> None:
    policy = guests_policy()
    response = edit(admin_client, policy, **fields)
    assert response.status_code == 200
    assert response.context["errors"]
    before = policy.limits
    policy.refresh_from_db()
    assert policy.limits == before


def test_product_and_tier_of_a_policy_stay(admin_client: Client) -> None:
    policy = guests_policy()
    assert edit(admin_client, policy, product="analysis", tier="pro", daily="6").status_code == 302
    policy.refresh_from_db()
    assert (policy.product, policy.tier, policy.daily) == (Product.WHAT_ANIME, "guest", 6)


def test_uses_are_found_by_whose_they_are(admin_client: Client) -> None:
    first, second = make_users(2)
    for user in (first, second):
        principal = Principal(kind=PrincipalKind.USER, user_id=user.pk, address="", tier=user.tier)
        admit(principal=principal, product=Product.WHAT_ANIME)
    admit(principal=Principal.guest("192.0.2.1"), product=Product.WHAT_ANIME)
    guest = Admission.objects.get(account=None).subject
    for rows in ("credits_admission", "credits_daycount"):
        for words, subject in (
            (first.email.upper(), f"user:{first.pk}"),
            (str(second.pk), f"user:{second.pk}"),
            (f" user:{first.pk} ", f"user:{first.pk}"),
            (guest, guest),
        ):
            found = admin_client.get(changelist(rows), {"q": words}).context["cl"].result_list
            assert [row.subject for row in found] == [subject]
        assert not admin_client.get(changelist(rows), {"q": "x@example.com"}).context["cl"].result_list
        assert len(admin_client.get(changelist(rows)).context["cl"].result_list) == 3


def test_entries_are_found_by_user_actor_and_reason(admin_client: Client) -> None:
    first, second = make_users(2)
    grant_credits(user_id=first.pk, amount=1, reason="won the contest", actor="staff:77")
    grant_credits(user_id=second.pk, amount=2, reason="bought", actor="stripe", key="event 9")
    for words, amount in ((first.email.upper(), 1), ("contest", 1), ("staff:77", 1), ('"event 9"', 2)):
        found = admin_client.get(changelist("credits_ledgerentry"), {"q": words}).context["cl"].result_list
        assert [entry.amount for entry in found] == [amount], words


def test_who_may_give_credits_need_not_be_a_superuser(make_staff: MakeStaff) -> None:
    user = make_users(1)[0]
    client = make_staff("accounts.view_user", "credits.add_ledgerentry")
    answer(client, choose(client, "give_credits", [user]), amount="5", reason="a contest")
    assert balances(user) == [5]
    # The permission is for the action: no form adds an entry by hand.
    assert client.get(reverse("admin:credits_ledgerentry_add")).status_code == 403
