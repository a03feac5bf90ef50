"""The admin's first page: true numbers that lead to their rows, for those who may see them, whatever is away."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from kombu.exceptions import OperationalError

from accounts.principal import Principal, PrincipalKind
from anime_search.models import Anime, IngestJob, JobOutcome, JobStatus
from core import clock
from core import queue_depths as queues
from credits.ledger import grant_credits, revoke_credits
from credits.models import Admission, EntryKind, PaymentEvent
from credits.policies import Product
from credits.services import admit, refund, settle
from rankings.models import Tally
from tests.admin.conftest import MakeStaff, answer, changelist, choose, make_users
from tests.policies import set_policy

INDEX = "/admin/"


def panels(client: Client) -> dict[str, dict[str, list[tuple[str, str]]]]:
    """Title of a panel -> name of a row -> what its cells show, with their addresses."""
    return {
        str(panel.title): {
            str(name.value): [(str(cell.value), cell.url) for cell in cells] for name, cells in panel.rows
        }
        for panel in client.get(INDEX).context["panels"]
    }


def numbers(client: Client, panel: str, row: str) -> list[str]:
    found = next(rows for title, rows in panels(client).items() if title.startswith(panel))
    return [value for value, _ in found[row]]


@pytest.fixture
def day(db: None) -> None:
    """A day on which something happened, and the day before it."""
    user = make_users(1)[0]
    principal = Principal(kind=PrincipalKind.USER, user_id=user.pk, address="", tier=user.tier)
    set_policy("whatanime", "free", free_credits=2)
    set_policy("analysis", "free", cost=2)
    grant_credits(user_id=user.pk, amount=40, reason="x", actor="staff:1")
    grant_credits(user_id=user.pk, amount=10, reason="x", actor="stripe", kind=EntryKind.PURCHASE)
    revoke_credits(user_id=user.pk, amount=3, reason="x", actor="staff:1")
    for _ in range(3):
        settle(ticket=admit(principal=principal, product=Product.WHAT_ANIME))
    settle(ticket=admit(principal=principal, product=Product.TRACE_MOE))
    settle(ticket=admit(principal=principal, product=Product.ANALYSIS))
    failed = admit(principal=principal, product=Product.WHAT_ANIME)
    assert failed.admission_id is not None
    refund(admission_id=failed.admission_id)
    admit(principal=principal, product=Product.TRACE_MOE)
    ticket = admit(principal=principal, product=Product.TRACE_MOE)
    settle(ticket=ticket)
    Admission.objects.filter(pk=ticket.admission_id).update(created_at=clock.now() - timedelta(days=1))


def test_numbers_of_the_day(admin_client: Client, day: None) -> None:
    assert numbers(admin_client, "Use since", "searches") == ["4", "1", "1"]
    assert numbers(admin_client, "Use since", "scene search (whatanimeisthis API and pages)") == [
        "3",
        "1",
        "0",
    ]
    assert numbers(admin_client, "Use since", "scene search (trace.moe APIs)") == ["1", "0", "1"]
    assert numbers(admin_client, "Use since", "analyses") == ["1", "0", "0"]
    assert numbers(admin_client, "Credits today", "sold") == ["10"]
    assert numbers(admin_client, "Credits today", "granted") == ["40"]
    assert numbers(admin_client, "Credits today", "taken back") == ["-3"]
    assert numbers(admin_client, "Credits today", "used of free ones") == ["2"]
    assert numbers(admin_client, "Credits today", "used of bought ones") == ["3"]
    assert numbers(admin_client, "New users", "today") == ["2"]


def test_page_is_whole_where_nothing_happened(admin_client: Client) -> None:
    assert numbers(admin_client, "Use since", "searches") == ["0", "0", "0"]
    assert numbers(admin_client, "Credits today", "sold") == ["0"]
    assert "Nothing was found yet." in admin_client.get(INDEX).content.decode()


def test_numbers_lead_to_as_many_rows(admin_client: Client, day: None) -> None:
    IngestJob.objects.create(
        path="/v/1", path_sha256="1" * 64, root="/v", size=1, mtime_ns=1, inode="1:1",
        status=JobStatus.FAILED, outcome=JobOutcome.ERROR, ended_at=clock.now(),
    )  # fmt: skip
    followed = 0
    for title, rows in panels(admin_client).items():
        for cells in rows.values():
            for value, url in cells:
                if url and not title.startswith("Credits"):
                    found = admin_client.get(url)
                    assert found.status_code == 200, url
                    assert found.context["cl"].result_count == int(value), url
                    followed += int(value) > 0
    assert followed >= 9


def test_sums_of_credits_lead_to_their_entries(admin_client: Client, day: None) -> None:
    for name, cells in panels(admin_client)["Credits today"].items():
        for value, url in cells:
            if url:
                entries = admin_client.get(url).context["cl"].result_list
                assert abs(sum(entry.amount for entry in entries)) == abs(int(value)), name


def test_what_dead_processes_left_is_told(admin_client: Client, day: None) -> None:
    name = "left behind by a process that died"
    assert numbers(admin_client, "Use since", name) == ["", "", "0"]
    Admission.objects.filter(status="held").update(expires_at=clock.now())
    assert numbers(admin_client, "Use since", name) == ["", "", "1"]


def test_payments_that_need_a_look_are_told(admin_client: Client) -> None:
    now = clock.now()
    for number, (outcome, age) in enumerate([("kept", 1), ("kept", 8), ("done", 1), ("ignored", 1)]):
        PaymentEvent.objects.create(
            event_id=str(number), kind="charge.refunded", outcome=outcome, created_at=now,
            received_at=now - timedelta(days=age),
        )  # fmt: skip
    assert numbers(admin_client, "Payments", "events to look at, of the last 7 days") == ["1"]


def test_ingest_tells_failures_of_a_day(admin_client: Client) -> None:
    now = clock.now()
    for number, (status, ended_at) in enumerate(
        [
            ("queued", None),
            ("running", None),
            ("failed", now - timedelta(hours=23)),
            ("failed", now - timedelta(hours=25)),
        ]
    ):
        IngestJob.objects.create(
            path=f"/v/{number}", path_sha256=f"{number:064x}", root="/v", size=1, mtime_ns=1, inode="1:1",
            status=status, ended_at=ended_at,
        )  # fmt: skip
    assert numbers(admin_client, "Videos to index", "queued") == ["1"]
    assert numbers(admin_client, "Videos to index", "running") == ["1"]
    assert numbers(admin_client, "Videos to index", "failed in the last 24 hours") == ["1"]


def test_most_searched_titles_are_told_and_cannot_carry_markup(admin_client: Client) -> None:
    anime = Anime.objects.create(anilist_id=1, title_romaji="<b>Yuru Camp</b>", is_adult=True)
    Tally.objects.create(period="daily", start=clock.today(), anime=anime, count=12)
    [(value, _)] = panels(admin_client)["Most searched today"]["<b>Yuru Camp</b>"]
    assert value == "12"
    text = admin_client.get(INDEX).content.decode()
    assert reverse("admin:anime_search_anime_change", args=[anime.pk]) in text
    assert "<b>Yuru" not in text


def test_queues_are_counted(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "backlog", lambda queue: {"search": 4}.get(queue, 0))
    assert numbers(admin_client, "Waiting in the queues", "search") == ["4"]
    assert numbers(admin_client, "Waiting in the queues", "ingest") == ["0"]


def test_broker_that_is_away_is_said_to_be(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(queue: str) -> int:
        raise OperationalError("nobody there")

    monkeypatch.setattr(queues, "backlog", refuse)
    assert numbers(admin_client, "Waiting in the queues", "search") == ["unknown"]


def test_broker_that_hangs_holds_up_the_page_for_less_than_a_second(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging: list[str] = []

    def hang(queue: str) -> int:
        hanging.append(queue)
        time.sleep(2.5)
        raise OperationalError("nobody there")

    admin_client.get(INDEX)
    monkeypatch.setattr(queues, "backlog", hang)
    for _ in range(2):
        began = time.monotonic()
        assert numbers(admin_client, "Waiting in the queues", "search") == ["unknown"]
        assert time.monotonic() - began < 2.0
    # However often the page is opened, one thread waits for the broker.
    assert len(hanging) == 1
    with queues._looking:
        monkeypatch.undo()


def test_page_needs_a_fixed_number_of_queries(admin_client: Client, day: None) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            admin_client.get(INDEX)
        return len(captured)

    count()
    few = count()
    for number in range(9):
        anime = Anime.objects.create(anilist_id=number + 1)
        Tally.objects.create(period="daily", start=clock.today(), anime=anime, count=number + 1)
    make_users(20)
    # A page without a ranking asks for no earlier one.
    assert count() <= few + 1 <= 14


@pytest.mark.parametrize(
    ("permissions", "titles"),
    [
        ([], []),
        (["credits.view_admission"], ["Use since"]),
        (["credits.view_ledgerentry"], ["Credits today"]),
        (["credits.view_paymentevent"], ["Payments"]),
        (["accounts.view_user"], ["New users"]),
        (["rankings.view_tally"], ["Most searched today"]),
        (["anime_search.view_ingestjob"], ["Videos to index", "Waiting in the queues"]),
    ],
)
def test_panels_need_the_permission_to_see_their_rows(
    make_staff: MakeStaff, day: None, permissions: list[str], titles: list[str]
) -> None:
    Tally.objects.create(
        period="daily", start=clock.today(), anime=Anime.objects.create(anilist_id=1), count=1
    )
    client = make_staff(*permissions)
    shown = panels(client)
    assert [title.split(" 2")[0] for title in shown] == titles
    for rows in shown.values():
        for cells in rows.values():
            for _, url in cells:
                assert not url or client.get(url).status_code == 200
    assert "anime_search/anime" not in client.get(INDEX).content.decode()


def test_audit_trail_is_found_and_nobody_edits_it(make_staff: MakeStaff, admin_client: Client) -> None:
    first, second = make_users(2)
    for user, tier in ((first, "pro"), (second, "business")):
        answer(admin_client, choose(admin_client, "change_tier", [user]), tier=tier)
    reader = make_staff("admin.view_logentry")
    for words, found in (
        ("Business", [second]),
        (first.email, [first]),
        ("admin@example.com", [second, first]),
    ):
        rows = reader.get(changelist("admin_logentry"), {"q": words}).context["cl"].result_list
        assert [row.object_repr for row in rows] == [user.email for user in found]
    assert make_staff().get(changelist("admin_logentry")).status_code == 403
