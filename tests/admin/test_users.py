"""Users as staff see them, and what staff do with many of them at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Tier, User
from accounts.principal import Principal, PrincipalKind
from apikeys.services import create_key
from core import clock
from core.admin import MOST_CHOSEN
from credits.ledger import grant_credits
from credits.models import Counted, CreditAccount, DayCount, LedgerEntry
from credits.policies import Product
from credits.services import admit
from tests.admin.conftest import MakeStaff, answer, changelist, choose, make_users, messages_of, said
from tests.policies import set_policy


def cell(client: Client, user: User, column: str, **query: str) -> str:
    text = client.get(changelist(), query).content.decode()
    row = next(part for part in text.split("<tr>") if f">{user.email}</a>" in part)
    return row.split(f'field-{column}">')[1].split("<")[0]


def shown(client: Client, **query: str) -> set[str]:
    rows = client.get(changelist(), query).context["cl"].result_list
    return {user.email for user in rows}


def test_list_shows_balance_searches_of_today_and_working_keys(admin_client: Client) -> None:
    user, other = make_users(2)
    grant_credits(user_id=user.pk, amount=40, reason="a contest", actor="command")
    principal = Principal(kind=PrincipalKind.USER, user_id=user.pk, address="", tier=user.tier)
    for _ in range(3):
        admit(principal=principal, product=Product.WHAT_ANIME)
    create_key(user_id=user.pk, title="one")
    create_key(user_id=user.pk, title="two")
    assert cell(admin_client, user, "credit_balance") == "40"
    assert cell(admin_client, user, "free_today") == "3 of 10 today"
    assert cell(admin_client, user, "working_keys") == "2"
    assert cell(admin_client, other, "credit_balance") == "0"
    assert cell(admin_client, other, "free_today") == "0 of 10 today"
    assert cell(admin_client, other, "working_keys") == "0"
    set_policy("whatanime", "free", free_credits=25)
    assert cell(admin_client, user, "free_today") == "3 of 25 today"


def test_searches_of_yesterday_are_not_those_of_today(admin_client: Client) -> None:
    user = make_users(1)[0]
    yesterday = clock.now() - timedelta(days=1)
    DayCount.objects.create(
        product=Product.WHAT_ANIME, subject=f"user:{user.pk}", counts=Counted.FREE_CREDITS,
        serial=yesterday.date().toordinal(), starts_at=yesterday, ends_at=yesterday, used=7,
    )  # fmt: skip
    assert cell(admin_client, user, "free_today") == "0 of 10 today"
    assert cell(admin_client, user, "last_seen") == yesterday.date().isoformat()


def test_last_seen_is_the_latest_trace(admin_client: Client) -> None:
    day = clock.now() - timedelta(days=40)
    user = make_users(1, last_login=day)[0]
    never = make_users(1)[0]
    assert cell(admin_client, user, "last_seen") == day.date().isoformat()
    assert cell(admin_client, never, "last_seen") == "–"
    key, _ = create_key(user_id=user.pk, title="one")
    key.last_used_at = day + timedelta(days=9)
    key.save()
    assert cell(admin_client, user, "last_seen") == key.last_used_at.date().isoformat()


def test_list_sorts_by_what_other_apps_know(admin_client: Client) -> None:
    poor, rich = make_users(2)
    grant_credits(user_id=rich.pk, amount=40, reason="a contest", actor="command")
    columns = admin_client.get(changelist()).context["cl"].list_display
    place = next(n for n, each in enumerate(columns) if getattr(each, "__name__", "") == "credit_balance")
    grant_credits(user_id=poor.pk, amount=1, reason="a contest", actor="command")
    rows = (
        admin_client.get(changelist(), {"o": f"-{place}", "is_staff__exact": "0"}).context["cl"].result_list
    )
    assert [user.email for user in rows] == [rich.email, poor.email]


def test_users_are_found_by_address_name_and_id(admin_client: Client) -> None:
    user, _ = make_users(2)
    user.name = "Shima Rin"
    user.save()
    for words in (user.email, "shima", str(user.pk), str(user.public_id)):
        assert user.email in shown(admin_client, q=words), words
    assert shown(admin_client, q="shima") == {user.email}
    assert shown(admin_client, q=str(user.public_id)) == {user.email}


def test_users_are_filtered_by_tier_and_keys(admin_client: Client) -> None:
    free, pro = make_users(1)[0], make_users(1, tier=Tier.PRO)[0]
    create_key(user_id=pro.pk, title="one")
    expired, _ = create_key(user_id=free.pk, title="two")
    expired.expires_at = clock.now()
    expired.save()
    assert shown(admin_client, tier__exact="pro") == {pro.email}
    assert shown(admin_client, keys="yes") == {pro.email}
    assert pro.email not in shown(admin_client, keys="no")


def test_list_needs_as_many_queries_for_many_users_as_for_few(admin_client: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert admin_client.get(changelist()).status_code == 200
        return len(captured)

    def furnish(users: list[User]) -> None:
        for user in users:
            grant_credits(user_id=user.pk, amount=1, reason="a contest", actor="command")
            create_key(user_id=user.pk, title="one")

    furnish(make_users(5))
    queries()
    few = queries()
    furnish(make_users(60))
    assert queries() == few <= 10


def test_tier_is_changed_only_after_the_page_was_answered(admin_client: Client) -> None:
    first, second, third = make_users(3)
    User.objects.filter(pk=third.pk).update(tier=Tier.PRO)
    page = choose(admin_client, "change_tier", [first, third])
    assert page.status_code == 200
    assert first.email in page.content.decode()
    assert set(User.objects.filter(pk__in=[first.pk, second.pk]).values_list("tier", flat=True)) == {"free"}

    done = answer(admin_client, page, tier="pro")
    assert messages_of(done) == ["The tier of 1 user was changed."]
    assert list(User.objects.filter(tier="pro").order_by("pk")) == [first, third]
    # One entry for each whose tier it was that changed.
    assert said() == [(first.email, "Tier: Free → Pro.")]


@pytest.mark.parametrize("tier", ["", "guest", "god", "pro\x00"])
def test_unknown_tier_is_refused_on_the_page(admin_client: Client, tier: str) -> None:
    user = make_users(1)[0]
    page = choose(admin_client, "change_tier", [user])
    again = answer(admin_client, page, tier=tier)
    assert again.status_code == 200
    assert "errorlist" in again.content.decode()
    user.refresh_from_db()
    assert (user.tier, LogEntry.objects.count()) == (Tier.FREE, 0)


def test_whole_list_can_be_chosen(admin_client: Client) -> None:
    users = make_users(3)
    page = choose(
        admin_client, "change_tier", users[:1], where=f"{changelist()}?is_staff__exact=0", select_across="1"
    )
    answer(admin_client, page, tier="business")
    assert User.objects.filter(tier="business").count() == 3


@pytest.mark.parametrize(
    ("chosen", "complaint"),
    [
        ("", "Nothing that still exists"),
        ("999999", "Nothing that still exists"),
        ("x,-1,1.5,٣,99999999999999999999999", "Nothing that still exists"),
        ("'; DROP TABLE accounts_user; --", "Nothing that still exists"),
        ("9" * 10_000, "Nothing that still exists"),
    ],
)
def test_page_that_names_no_user_changes_nothing(admin_client: Client, chosen: str, complaint: str) -> None:
    user = make_users(1)[0]
    page = choose(admin_client, "change_tier", [user])
    done = answer(admin_client, page, tier="pro", chosen=chosen)
    assert complaint in messages_of(done)[0]
    assert not User.objects.filter(tier="pro").exists()


def test_more_users_than_one_action_changes_are_refused(admin_client: Client) -> None:
    User.objects.bulk_create(User(email=f"{number}@example.com") for number in range(MOST_CHOSEN + 1))
    done = choose(admin_client, "change_tier", User.objects.all()[:1], select_across="1")
    assert done.status_code == 302
    assert "At most 1000" in messages_of(admin_client.get(changelist()))[0]


def test_as_many_users_as_one_action_changes_are_changed(admin_client: Client) -> None:
    User.objects.bulk_create(User(email=f"{number}@example.com") for number in range(MOST_CHOSEN - 1))
    page = choose(admin_client, "change_tier", User.objects.all()[:1], select_across="1")
    answer(admin_client, page, tier="pro")
    assert User.objects.filter(tier="pro").count() == MOST_CHOSEN == LogEntry.objects.count()


def test_columns_and_actions_need_their_permissions(make_staff: MakeStaff) -> None:
    user = make_users(1)[0]
    viewer = make_staff("accounts.view_user")
    text = viewer.get(changelist()).content.decode()
    for name in (
        "credit_balance",
        "free_today",
        "working_keys",
        "give_credits",
        "revoke_keys_of_users",
        "change_tier",
    ):
        assert name not in text
    for action, answers in (
        ("change_tier", {"tier": "pro"}),
        ("give_credits", {"amount": "5", "reason": "x", "once": "o" * 22}),
        ("revoke_keys_of_users", {}),
    ):
        viewer.post(
            changelist(),
            {
                "action": action,
                "_selected_action": user.pk,
                "select_across": "1",
                "chosen": user.pk,
                **answers,
            },
        )
    user.refresh_from_db()
    assert (user.tier, LedgerEntry.objects.count(), LogEntry.objects.count()) == (Tier.FREE, 0, 0)

    knowing = make_staff(
        "accounts.view_user", "credits.view_creditaccount", "credits.add_ledgerentry", "apikeys.view_apikey"
    )
    text = knowing.get(changelist()).content.decode()
    assert all(name in text for name in ("credit_balance", "working_keys", "give_credits", "take_credits"))
    assert not any(name in text for name in ("free_today", "revoke_keys_of_users", "change_tier"))


def test_only_superusers_touch_staff(make_staff: MakeStaff, admin_user: User) -> None:
    client = make_staff("accounts.view_user", "accounts.change_user", "accounts.delete_user")
    user = make_users(1)[0]
    where = reverse("admin:accounts_user_change", args=[admin_user.pk])
    assert client.post(where, {"email": "mine@example.com"}).status_code == 403
    assert client.post(f"{where.removesuffix('change/')}password/", {}).status_code == 403
    assert client.get(reverse("admin:accounts_user_delete", args=[admin_user.pk])).status_code == 403

    page = choose(client, "change_tier", [user, admin_user])
    done = answer(client, page, tier="pro")
    assert messages_of(done) == ["The tier of 1 user was changed.", f"You may not change: {admin_user.email}"]
    admin_user.refresh_from_db()
    assert admin_user.tier == Tier.FREE


def test_nobody_gives_oneself_rights(make_staff: MakeStaff) -> None:
    client = make_staff("accounts.view_user", "accounts.change_user")
    user = make_users(1)[0]
    where = reverse("admin:accounts_user_change", args=[user.pk])
    text = client.get(where).content.decode()
    assert 'name="tier"' in text
    assert not any(
        f'name="{name}"' in text for name in ("is_staff", "is_superuser", "groups", "user_permissions")
    )
    client.post(where, {"email": user.email, "tier": "pro", "is_staff": "on", "is_superuser": "on"})
    user.refresh_from_db()
    assert not (user.is_staff or user.is_superuser)


def test_form_of_a_user_tells_old_and_new_values(admin_client: Client, admin_user: User) -> None:
    user = make_users(1, name="Rin")[0]
    where = reverse("admin:accounts_user_change", args=[user.pk])
    page = admin_client.get(where)
    inlines = {
        f"{inline.formset.prefix}-{name}": "0"
        for inline in page.context["inline_admin_formsets"]
        for name in ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS", "MAX_NUM_FORMS")
    }
    data = {"email": user.email, "tier": "business", "name": "", "is_active": "on", **inlines}
    assert admin_client.post(where, data).status_code == 302
    assert said() == [(user.email, "Tier: Free → Business. Name: Rin → none.")]


def test_password_is_never_in_the_audit_trail(admin_client: Client) -> None:
    user = make_users(1)[0]
    where = reverse("admin:auth_user_password_change", args=[user.pk])
    secret = "a long enough secret 17"
    response = admin_client.post(
        where, {"usable_password": "true", "password1": secret, "password2": secret, "set-password": "1"}
    )
    assert response.status_code == 302
    assert said() == [(user.email, "Changed password.")]


def test_deleted_user_leaves_the_ledger_and_takes_the_keys_along(admin_client: Client) -> None:
    user = make_users(1)[0]
    grant_credits(user_id=user.pk, amount=4, reason="a contest", actor="command")
    create_key(user_id=user.pk, title="one")
    where = reverse("admin:accounts_user_delete", args=[user.pk])
    assert "API key" in admin_client.get(where).content.decode()
    assert admin_client.post(where, {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=user.pk).exists()
    assert CreditAccount.objects.get().user_id is None
    assert LedgerEntry.objects.count() == 1


def test_staff_who_did_something_cannot_be_deleted(admin_client: Client, make_staff: MakeStaff) -> None:
    client = make_staff("accounts.view_user", "accounts.change_user")
    user = make_users(1)[0]
    answer(client, choose(client, "change_tier", [user]), tier="pro")
    staff = LogEntry.objects.get().user
    where = reverse("admin:accounts_user_delete", args=[staff.pk])
    assert admin_client.post(where, {"post": "yes"}).status_code == 403
    assert LogEntry.objects.get().user == staff
