"""What is left of a visitor's searches, and when there are more."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.principal import PrincipalKind
from apikeys.authentication import principal_of
from core import clock
from core.pages import wait_until
from credits.policies import Product
from credits.services import Snapshot, snapshot

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Left:
    """What is left.

    Attributes:
        searches: that can be made before anything has to be waited for or bought.
        words: the same as a sentence.
        resets_at: when there are more; None where waiting does not help, or nothing was used.
        reset_words: how long that is, as a sentence.
    """

    searches: int
    words: str
    resets_at: datetime | None
    reset_words: str


def left_of(request: HttpRequest) -> Left | None:
    """What is left of whoever looks at the page; None where nothing limits it, or nothing can be read now.

    A guest's searches are counted by both of the products that :func:`anime_search.web.views.home` asks of: what is
    left is the least of all that is counted.
    """
    try:
        principal = principal_of(request)
        states = [snapshot(principal=principal, product=Product.WHAT_ANIME)]
        if principal.kind is PrincipalKind.GUEST:
            states.append(snapshot(principal=principal, product=Product.TRACE_MOE))
    except Exception as error:  # noqa: BLE001 - the page is of use without this line
        log.warning("what is left cannot be told: %s", type(error).__name__)
        return None
    bounds = [bound for state in states for bound in _bounds(state)]
    if not bounds:
        return None
    searches, resets_at = min(bounds, key=lambda bound: (bound[0], -bound[1].timestamp() if bound[1] else 0))
    return Left(
        searches=searches,
        words=ngettext("%(n)d search left", "%(n)d searches left", searches) % {"n": searches},
        resets_at=resets_at,
        reset_words="" if resets_at is None else _("More in %(wait)s.") % {"wait": wait_until(resets_at)},
    )


def _bounds(state: Snapshot) -> list[tuple[int, datetime | None]]:
    """Each limit: the searches that it leaves, and when it is renewed; None where nothing of it was used."""
    bounds: list[tuple[int, datetime | None]] = []
    if state.limit is not None:
        ends_at = clock.now() + timedelta(seconds=state.limit.seconds_left)
        bounds.append((state.limit.remaining, ends_at if state.limit.used else None))
    if state.quota is not None:
        bounds.append((state.quota.remaining, state.quota.resets_at if state.quota.used else None))
    if state.limits.cost:
        free = state.free.remaining if state.free is not None else 0
        resets_at = state.free.resets_at if state.free is not None and state.free.used else None
        bounds.append(((free + (state.balance or 0)) // state.limits.cost, resets_at))
    return bounds
