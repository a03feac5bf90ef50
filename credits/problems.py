"""What the pages of every metered feature do with an error: find its words, log what is a fault of ours, answer it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accounts.errors import OriginForeign
from core.clock import now
from core.errors import DomainError, Unavailable
from core.pages import Countdown, Problem, in_words
from core.surfaces import BodyMalformed, InternalFault, as_domain_error
from credits.headers import add_ratelimit_headers
from credits.services import Snapshot

log = logging.getLogger(__name__)

#: How a feature's pages word each kind of error; the nearest base class of the error decides.
ProblemTable = Mapping[type[DomainError], Callable[[DomainError], Problem]]

#: What every feature says in the same words, for it to build its own table on.
SHARED: Final[ProblemTable] = {
    BodyMalformed: lambda error: Problem(
        400, _("The request could not be read"), _("Please reload the page and try again.")
    ),
    OriginForeign: lambda error: Problem(
        403, _("This request came from another site"), _("Please reload the page and try again.")
    ),
    DomainError: lambda error: Problem(
        500, _("Something went wrong on our side"), _("It has been noted. Please try again later.")
    ),
}


def problem_of(table: ProblemTable, error: DomainError) -> Problem:
    """What to say of an error."""
    return next(table[kind] for kind in type(error).__mro__ if kind in table)(error)


def waiting(error: DomainError) -> dict[str, Any]:
    """The advice to wait, as fields of a :class:`~core.pages.Problem`."""
    seconds = int(error.data["retry_after_s"])
    return {
        "retry_after_s": seconds,
        "advice": _("You can try again in %(wait)s.") % {"wait": in_words(seconds)},
        "countdown": Countdown(
            now() + timedelta(seconds=seconds),
            _("You can try again in {time}."),
            _("You can try again now."),
        ),
    }


def way_out(state: Snapshot) -> tuple[str, str]:
    """A guest can sign in, a user can buy."""
    if state.balance is None:
        return "account_login", _("Sign in for more")
    return "pricing", _("Upgrade for more")


def answer_error(
    request: HttpRequest, error: Exception, table: ProblemTable, page: Callable[[Problem], HttpResponse]
) -> HttpResponse:
    """Say what is wrong, and in the headers when to come back and how the caller stands.

    Args:
        page: renders it.
    """
    domain_error = as_domain_error(error)
    if isinstance(domain_error, InternalFault) or (
        domain_error is not error and isinstance(domain_error, Unavailable)
    ):
        log.error("unhandled error at %s", request.path, exc_info=error)
    problem = problem_of(table, domain_error)
    response = page(problem)
    if problem.retry_after_s is not None:
        response["Retry-After"] = str(problem.retry_after_s)
    if "snapshot" in domain_error.data:
        add_ratelimit_headers(response, domain_error.data["snapshot"])
    return response
