"""What a request for rankings or recent searches says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from django.http import QueryDict
from rest_framework.request import Request

from rankings.errors import ParameterInvalid
from rankings.periods import Period

#: Entries that an answer has where the request says nothing; the first is documented.
RANKED, RECENT = 50, 20
#: Entries that an answer has at most: more are asked for in vain.
MOST: Final = 100
#: Searches that can be passed over at most: each is looked at, which takes time.
FARTHEST: Final = 1000

# int() takes other scripts' digits, underscores and white space too.
_WHOLE: Final = re.compile(r"[0-9]{1,9}")
_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class RankingRequest:
    """A question for the titles searched most."""

    period: Period
    limit: int
    include_adult: bool


@dataclass(frozen=True, slots=True)
class RecentRequest:
    """A question for the latest searches."""

    limit: int
    offset: int
    include_adult: bool


def read_ranking(request: Request) -> RankingRequest:
    """Read ``period``, ``limit`` and ``includeAdult``; other parameters are passed over.

    Raises:
        ParameterInvalid: one of them is none, or is given twice.
    """
    query = request.query_params
    period = _given(query, "period")
    if period is None:
        period = Period.ALL
    if period not in Period.values:
        raise ParameterInvalid("The parameter period must be daily, weekly, monthly, yearly or all.")
    return RankingRequest(Period(period), _limit(query, RANKED), _include_adult(query))


def read_recent(request: Request) -> RecentRequest:
    """Read ``limit``, ``offset`` and ``includeAdult``; other parameters are passed over.

    Raises:
        ParameterInvalid: one of them is none, or is given twice.
    """
    query = request.query_params
    offset = _whole(query, "offset", 0, least=0)
    if offset > FARTHEST:
        raise ParameterInvalid(f"The parameter offset must be at most {FARTHEST}.")
    return RecentRequest(_limit(query, RECENT), offset, _include_adult(query))


def _limit(query: QueryDict, default: int) -> int:
    return min(MOST, _whole(query, "limit", default, least=1))


def _include_adult(query: QueryDict) -> bool:
    flag = _given(query, "includeAdult")
    if flag is None:
        return False
    if flag not in _FLAGS:
        raise ParameterInvalid("The parameter includeAdult must be true or false.")
    return _FLAGS[flag]


def _whole(query: QueryDict, name: str, default: int, *, least: int) -> int:
    text = _given(query, name)
    if text is None:
        return default
    if not _WHOLE.fullmatch(text) or int(text) < least:
        raise ParameterInvalid(f"The parameter {name} must be a whole number from {least}.")
    return int(text)


def _given(query: QueryDict, name: str) -> str | None:
    values = query.getlist(name)
    if len(values) > 1:
        raise ParameterInvalid(f"The parameter {name} must be given once.")
    return str(values[0]) if values else None
