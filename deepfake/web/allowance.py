"""What a caller may have analysed now, in words."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.principal import Principal
from core.errors import Unavailable
from core.pages import Problem, wait_until
from credits.errors import InsufficientCredits, QuotaExhausted
from credits.policies import Product
from credits.problems import problem_of
from credits.services import Snapshot, snapshot
from deepfake.web.errors import PROBLEMS


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left.

    Attributes:
        lines: sentences on it.
        refusal: what would be said to another analysis; None where there is room for one.
    """

    lines: list[str]
    refusal: Problem | None


def allowance_of(principal: Principal) -> Allowance:
    """How a caller stands, without counting anything; silent where that cannot be known now."""
    try:
        state = snapshot(principal=principal, product=Product.ANALYSIS)
    except Unavailable:
        return Allowance([], None)
    refusal = _refusal(state)
    if state.limits.daily == 0:
        return Allowance([], refusal)
    return Allowance([*_credits(state), *_left(state)], refusal)


def _refusal(state: Snapshot) -> Problem | None:
    if state.quota is not None and not state.quota.remaining:
        return problem_of(PROBLEMS, QuotaExhausted(snapshot=state, retry_after_s=state.quota.seconds_left))
    cost, free = state.limits.cost, state.free.remaining if state.free is not None else 0
    if cost > free and cost > (state.balance or 0):
        resets_at = state.free.resets_at if state.free is not None else None
        return problem_of(PROBLEMS, InsufficientCredits(snapshot=state, resets_at=resets_at))
    return None


def _credits(state: Snapshot) -> list[str]:
    cost = state.limits.cost
    if not cost:
        return [_("An analysis costs nothing.")]
    lines = [
        ngettext("An analysis costs %(n)d credit.", "An analysis costs %(n)d credits.", cost) % {"n": cost}
    ]
    if state.free is not None:
        free = state.free.remaining
        words = ngettext("%(n)d free credit is left today.", "%(n)d free credits are left today.", free)
        lines.append(words % {"n": free})
    if (balance := state.balance) is not None:
        words = ngettext("You have %(n)d credit.", "You have %(n)d credits.", balance)
        lines.append(words % {"n": balance})
    return lines


def _left(state: Snapshot) -> list[str]:
    day = state.quota
    if day is None:
        return []
    words = ngettext(
        "%(left)d of %(limit)d analysis a day is left.",
        "%(left)d of %(limit)d analyses a day are left.",
        day.limit,
    )
    lines = [words % {"left": day.remaining, "limit": day.limit}]
    if day.used:
        facts = {"at": date_format(day.resets_at, "H:i"), "wait": wait_until(day.resets_at)}
        lines.append(_("New ones come at %(at)s UTC, in %(wait)s.") % facts)
    return lines
