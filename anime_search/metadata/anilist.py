"""A client of AniList's GraphQL API that asks for titles by their ids (https://docs.anilist.co).

AniList takes 90 requests a minute by its documentation and 30 in its long-lasting "degraded state"; it
answers 429 with ``Retry-After`` and ``X-RateLimit-Reset`` beyond that, and now and then HTML, 5xx, or a
GraphQL answer with ``errors`` beside or instead of its data. What is good in an answer is always used.
"""

from __future__ import annotations

import json
import logging
import random
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from types import TracebackType
from typing import Any, ClassVar, Final, Self

import httpx

from anime_search.metadata.facts import MAX_ID
from anime_search.metadata.pacing import Pace, asked_wait_s
from core import clock
from core.errors import Unavailable

log = logging.getLogger(__name__)

#: AniList's largest page.
BATCH: Final = 50
DEFAULT_RATE_PER_MINUTE: Final = 25
MAX_RATE_PER_MINUTE: Final = 90

QUERY: Final = """
query ($ids: [Int]) {
  Page(page: 1, perPage: 50) {
    pageInfo { hasNextPage }
    media(id_in: $ids, type: ANIME, sort: ID) {
      id idMal type
      title { native romaji english }
      synonyms season seasonYear
      startDate { year month }
      format episodes isAdult countryOfOrigin
      coverImage { large extraLarge }
    }
  }
}
"""

_TIMEOUT: Final = httpx.Timeout(20.0, connect=10.0)
_DEADLINE_S: Final = 60.0
_MAX_BODY_BYTES: Final = 16 * 1024 * 1024
_MAX_TRIES: Final = 6
_MAX_WAIT_S: Final = 300.0
_FIRST_BACKOFF_S: Final = 2.0
_TRY_AGAIN: Final = frozenset({408, 425, 429})


class AniListUnavailable(Unavailable):
    """AniList refuses, or did not give a usable answer often enough to be asked on."""

    code: ClassVar[str] = "ANILIST_UNAVAILABLE"
    default_message = "AniList cannot be asked at the moment."


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request told.

    Attributes:
        found: id → ``Media`` object as AniList sent it.
        unknown: ids that AniList has no anime for; only a whole answer can tell that.
    """

    found: dict[int, dict[str, Any]]
    unknown: frozenset[int]
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class _Page:
    found: dict[int, dict[str, Any]]
    #: What keeps the page from being the whole answer; empty if nothing.
    fault: str
    has_next: bool


class _FailedTryError(Exception):
    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class AniListClient:
    """Asks for any number of ids, evenly paced; a context manager that closes its connections.

    Args:
        url: of the GraphQL endpoint.
        user_agent: names the program and its operator's site to AniList.
        rate_per_minute: requests a minute, at most.
        timeout: of connecting, and of each read.
        max_tries: tries in a row without a good answer, after which it stops.
        max_wait_s: longest wait between two requests; asked to wait longer, it stops.
        now: the clock that paces requests and dates answers.
        sleep: waits that many seconds.
        jitter: a random number in [0, 1), so that several clients do not come back all at once.

    Attributes:
        requests: how many were sent.
    """

    def __init__(
        self,
        url: str,
        *,
        user_agent: str,
        rate_per_minute: float = DEFAULT_RATE_PER_MINUTE,
        timeout: httpx.Timeout = _TIMEOUT,
        max_tries: int = _MAX_TRIES,
        max_wait_s: float = _MAX_WAIT_S,
        now: Callable[[], datetime] = clock.now,
        sleep: Callable[[float], object] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.requests = 0
        self._url = url
        self._now = now
        self._jitter = jitter
        self._max_tries = max_tries
        self._max_wait_s = max_wait_s
        self._pace = Pace(rate_per_minute, now=now, sleep=sleep, max_wait_s=2 * max_wait_s)
        headers = {"User-Agent": user_agent, "Accept": "application/json"}
        self._http = httpx.Client(
            trust_env=False, follow_redirects=False, timeout=timeout, headers=headers, verify=_authorities()
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def answers(self, ids: Iterable[int]) -> Iterator[Answer]:
        """Ask for the ids, 50 in a request, and give each answer as it comes.

        Ids that AniList's 32-bit numbers cannot hold are unknown without asking.

        Raises:
            AniListUnavailable: it refused, asked for a long pause, or failed ``max_tries`` times in a row.
        """
        wanted = list(dict.fromkeys(ids))
        askable = [anilist_id for anilist_id in wanted if 1 <= anilist_id <= MAX_ID]
        if unaskable := frozenset(wanted) - frozenset(askable):
            yield Answer({}, unaskable, self._now())
        for start in range(0, len(askable), BATCH):
            yield from self._answers_of(set(askable[start : start + BATCH]))

    def _answers_of(self, wanted: set[int]) -> Iterator[Answer]:
        # Asking only for what is still wanted continues a page and repairs a partial answer alike.
        failures = 0
        while wanted:
            wait_s = None
            try:
                page = self._ask(sorted(wanted))
            except _FailedTryError as error:
                page, wait_s = _Page({}, str(error), has_next=False), error.wait_s
            wanted -= page.found.keys()
            whole = not wanted or not (page.fault or page.has_next)
            if page.found or whole:
                yield Answer(page.found, frozenset(wanted) if whole else frozenset(), self._now())
            if whole:
                return
            if page.fault or not page.found:
                failures += 1
                self._back_off(failures, page.fault or "it announces a page and does not give it", wait_s)

    def _back_off(self, failures: int, fault: str, wait_s: float | None) -> None:
        if failures >= self._max_tries:
            raise AniListUnavailable(
                f"AniList did not answer usably in {failures} tries (the last: {fault})."
            )
        if wait_s is not None and wait_s > self._max_wait_s:
            raise AniListUnavailable(
                f"AniList asks to wait for {wait_s:.0f} seconds ({fault}).", retry_after_s=int(wait_s)
            )
        jitter = self._jitter()
        backoff_s = min(_FIRST_BACKOFF_S * 2 ** (failures - 1), self._max_wait_s) * (0.5 + jitter / 2)
        pause_s = max(backoff_s, 0.0 if wait_s is None else wait_s + jitter)
        log.info("AniList: try %d failed (%s); the next in %.0f s", failures, fault, pause_s)
        self._pace.hold(pause_s)

    def _ask(self, ids: list[int]) -> _Page:
        self._pace.wait()
        self.requests += 1
        try:
            response, body = self._post({"query": QUERY, "variables": {"ids": ids}})
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise AniListUnavailable("The address of AniList's API is not an http or https URL.") from error
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise _FailedTryError(f"no answer: {type(error).__name__}") from error
        self._pace.heed(response.headers)
        status = response.status_code
        if status in _TRY_AGAIN or status >= 500:
            raise _FailedTryError(f"HTTP status {status}", asked_wait_s(response.headers, self._now()))
        answer = _json(body)
        if status != 200:
            said = _first_error(answer)
            raise AniListUnavailable(
                f"AniList refuses requests: HTTP status {status}" + (f", {said}." if said else ".")
            )
        return _page(answer, ids)

    def _post(self, payload: dict[str, Any]) -> tuple[httpx.Response, bytes]:
        # httpx's timeouts are for one read each: a server that drips needs the deadline.
        ends_at = time.monotonic() + _DEADLINE_S
        body = bytearray()
        with self._http.stream("POST", self._url, json=payload) as response:
            for part in response.iter_bytes():
                body += part
                if len(body) > _MAX_BODY_BYTES:
                    raise httpx.DecodingError("the answer is too long")
                if time.monotonic() > ends_at:
                    raise httpx.ReadTimeout("the answer takes too long")
        return response, bytes(body)


@cache
def _authorities() -> ssl.SSLContext:
    # Reading the certificate authorities takes longer than most requests.
    return httpx.create_ssl_context(trust_env=False)


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _page(answer: object, ids: list[int]) -> _Page:
    """Read an answer: the media that were asked for, and whether that is all of them."""
    if not isinstance(answer, dict):
        raise _FailedTryError("an answer that is not GraphQL")
    fault = _first_error(answer)
    page: Any = answer
    for name in ("data", "Page"):
        page = page.get(name) if isinstance(page, dict) else None
    media = page.get("media") if isinstance(page, dict) else None
    if not isinstance(media, list):
        raise _FailedTryError(fault or "an answer without a page")
    asked = frozenset(ids)
    found: dict[int, dict[str, Any]] = {}
    for item in media:
        if not isinstance(item, dict) or type(item.get("id")) is not int:
            fault = fault or "an answer with malformed media"
        elif item["id"] in asked:
            found[item["id"]] = item
    info = page.get("pageInfo")
    has_next = isinstance(info, dict) and info.get("hasNextPage") is True and len(found) < len(asked)
    return _Page(found, fault, has_next)


def _first_error(answer: object) -> str:
    """The message of a GraphQL answer's first error, cut to a line; "" without errors."""
    errors = answer.get("errors") if isinstance(answer, dict) else None
    if not errors:
        return ""
    first = errors[0] if isinstance(errors, list) else errors
    message = first.get("message") if isinstance(first, dict) else None
    line = " ".join(message.split()) if isinstance(message, str) else ""
    return "".join(filter(str.isprintable, line))[:120].rstrip(".") or "an unnamed error"
