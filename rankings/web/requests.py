"""What the address of a page says."""

from __future__ import annotations

from django.http import Http404, HttpRequest

from rankings.periods import Period

#: The ranking that is shown where the address names none: that of a day is empty every morning.
FIRST = Period.WEEKLY
#: Sent by the page's script, which wants the list alone and not the page around it.
FRAGMENT_HEADER = "Frameproof-Fragment"


def read_period(request: HttpRequest) -> Period:
    """Read ``period``.

    Raises:
        Http404: there is no such ranking.
    """
    name = request.GET.get("period", FIRST)
    if name not in Period.values:
        raise Http404
    return Period(name)


def wants_adult(request: HttpRequest) -> bool:
    """Whether titles for adults are asked for, by ``adult=1``."""
    return request.GET.get("adult") == "1"


def wants_fragment(request: HttpRequest) -> bool:
    """Whether only the list is to be rendered."""
    return FRAGMENT_HEADER in request.headers
