"""What staff see first: the day's use, what waits, what failed, what sold. Each panel for those who may see its rows.

Every number leads to the list of its rows, where there is one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlencode

from django.contrib.admin import AdminSite
from django.db.models import Count, Model, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import User
from anime_search.models import Anime, IngestJob, JobStatus
from config.settings.queues import QUEUES
from core import clock
from core.queue_depths import queue_depths
from credits.models import Admission, AdmissionStatus, EntryKind, LedgerEntry, PaymentEvent
from credits.payment_models import EventOutcome
from credits.policies import Product
from credits.today import (
    UsesToday,
    kept_payment_events,
    moved_today,
    overdue_admissions,
    today_began,
    uses_today,
)
from rankings.models import Tally
from rankings.periods import Period
from rankings.selectors import ranking_of

#: What is counted as a search; an analysis has a row of its own.
_SEARCHES = (Product.WHAT_ANIME, Product.TRACE_MOE)
_TOP_TITLES = 10
_FAILURES_SINCE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Cell:
    """A number or a few words, and the address of the rows behind it.

    Attributes:
        alarming: whether somebody should look into it.
    """

    value: object
    url: str = ""
    alarming: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """A small table.

    Attributes:
        heads: above the columns, the one of the rows' names left out; empty where the rows say all.
        rows: the name of each, and its cells.
        empty: said where there are no rows.
    """

    title: object
    rows: list[tuple[Cell, list[Cell]]]
    heads: list[object] = field(default_factory=list)
    empty: object = ""


def panels_for(request: HttpRequest, site: AdminSite) -> list[Panel]:
    """The panels that a member of staff may see."""

    def may_see(model: type[Model]) -> bool:
        return site.get_model_admin(model).has_view_permission(request)

    uses = functools.cache(uses_today)
    makers: Iterable[tuple[type[Model], Callable[[], Panel]]] = (
        (Admission, lambda: _uses(uses())),
        (LedgerEntry, lambda: _credits(uses())),
        (PaymentEvent, _payments),
        (IngestJob, _ingest),
        (IngestJob, _queues),
        (Tally, lambda: _titles(linked=may_see(Anime))),
        (User, _users),
    )
    return [make() for model, make in makers if may_see(model)]


def _uses(uses: UsesToday) -> Panel:
    statuses = (AdmissionStatus.SETTLED, AdmissionStatus.REFUNDED, AdmissionStatus.HELD)

    def row(title: object, products: tuple[Product, ...]) -> tuple[Cell, list[Cell]]:
        cells = []
        for status in statuses:
            count = sum(uses.counts.get((product, status), 0) for product in products)
            query = {**_today(), "product__in": ",".join(products), "status__exact": status}
            alarming = status == AdmissionStatus.REFUNDED and count > 0
            cells.append(Cell(count, _list("credits_admission", query), alarming=alarming))
        return Cell(title), cells

    overdue = overdue_admissions()
    query = {"status__exact": AdmissionStatus.HELD, "expires_at__lt": str(clock.now())}
    rows = [
        row(_("searches"), _SEARCHES),
        *(row(product.label, (product,)) for product in _SEARCHES),
        row(_("analyses"), (Product.ANALYSIS,)),
        (
            Cell(_("left behind by a process that died")),
            [Cell(""), Cell(""), Cell(overdue, _list("credits_admission", query), alarming=overdue > 0)],
        ),
    ]
    title = _("Use since %s UTC") % f"{today_began():%Y-%m-%d %H:%M}"
    return Panel(title, rows, [pgettext_lazy("number of requests", "done"), _("given back"), _("running")])


def _credits(uses: UsesToday) -> Panel:
    moved = moved_today()
    named = {
        EntryKind.PURCHASE: _("sold"),
        EntryKind.GRANT: _("granted"),
        EntryKind.REVOKE: _("taken back"),
        EntryKind.REVERSAL: _("purchases undone"),
    }
    rows = [
        (Cell(title), [Cell(moved[kind], _list("credits_ledgerentry", {**_today(), "kind__exact": kind}))])
        for kind, title in named.items()
    ]
    charges = {**_today(), "kind__in": f"{EntryKind.CHARGE},{EntryKind.REFUND}"}
    rows += [
        (Cell(_("used of bought ones")), [Cell(uses.paid, _list("credits_ledgerentry", charges))]),
        (Cell(_("used of free ones")), [Cell(uses.free)]),
    ]
    return Panel(_("Credits today"), rows)


def _payments() -> Panel:
    since = today_began() - timedelta(days=6)
    kept = kept_payment_events(since=since)
    query = {"outcome__exact": EventOutcome.KEPT, "received_at__gte": str(since)}
    events = Cell(kept, _list("credits_paymentevent", query), alarming=kept > 0)
    return Panel(_("Payments"), [(Cell(_("events to look at, of the last 7 days")), [events])])


def _ingest() -> Panel:
    since = clock.now() - _FAILURES_SINCE
    failed = Q(status=JobStatus.FAILED, ended_at__gte=since)
    counts = IngestJob.objects.aggregate(
        queued=Count("pk", filter=Q(status=JobStatus.QUEUED)),
        running=Count("pk", filter=Q(status=JobStatus.RUNNING)),
        done=Count("pk", filter=Q(status=JobStatus.DONE)),
        failed=Count("pk", filter=failed),
    )
    rows = [
        (
            Cell(status.label),
            [Cell(counts[status], _list("anime_search_ingestjob", {"status__exact": status}))],
        )
        for status in (JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.DONE)
    ]
    query = {"status__exact": JobStatus.FAILED, "ended_at__gte": str(since)}
    recent = Cell(counts["failed"], _list("anime_search_ingestjob", query), alarming=counts["failed"] > 0)
    return Panel(_("Videos to index"), [*rows, (Cell(_("failed in the last 24 hours")), [recent])])


def _queues() -> Panel:
    rows = [
        (Cell(queue), [Cell(_("unknown") if waiting is None else waiting, alarming=waiting is None)])
        for queue, waiting in queue_depths(QUEUES).items()
    ]
    return Panel(_("Waiting in the queues"), rows)


def _titles(*, linked: bool) -> Panel:
    ranking = ranking_of(period=Period.DAILY, limit=_TOP_TITLES, include_adult=True)
    rows = [
        (
            Cell(
                title.anime,
                reverse("admin:anime_search_anime_change", args=[title.anime.pk]) if linked else "",
            ),
            [Cell(title.count)],
        )
        for title in ranking.titles
    ]
    return Panel(_("Most searched today"), rows, empty=_("Nothing was found yet."))


def _users() -> Panel:
    since = today_began()
    week = since - timedelta(days=6)
    joined = User.objects.filter(date_joined__gte=week)
    counts = joined.aggregate(week=Count("pk"), today=Count("pk", filter=Q(date_joined__gte=since)))
    rows = [
        (Cell(title), [Cell(counts[name], _list("accounts_user", {"date_joined__gte": str(start)}))])
        for name, title, start in (("today", _("today"), since), ("week", _("in the last 7 days"), week))
    ]
    return Panel(_("New users"), rows)


def _today() -> dict[str, str]:
    """What the lists' own filter "Today" asks for."""
    return {"created_at__gte": str(today_began()), "created_at__lt": str(clock.next_day_starts())}


def _list(rows: str, query: dict[str, str]) -> str:
    return f"{reverse(f'admin:{rows}_changelist')}?{urlencode(query)}"
