"""How fast a polite client asks: an even rate, and the waits that the server tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

WINDOW_S: Final = 60.0


class Pace:
    """Spreads requests evenly over the minute, and waits where the server asks for it.

    Args:
        per_minute: requests a minute, at most; the server's own limit may slow it, never speed it up.
        now: the clock.
        sleep: waits that many seconds.
        max_wait_s: longest wait, whatever clock and server say.
    """

    def __init__(
        self,
        per_minute: float,
        *,
        now: Callable[[], datetime],
        sleep: Callable[[float], object],
        max_wait_s: float,
    ) -> None:
        self.interval_s = WINDOW_S / per_minute
        self._now = now
        self._sleep = sleep
        self._max_wait_s = max_wait_s
        self._sent_at: datetime | None = None
        self._held_until: datetime | None = None

    def wait(self) -> None:
        """Return when the next request may be sent."""
        dues = [self._held_until] if self._held_until else []
        if self._sent_at is not None:
            dues.append(self._sent_at + timedelta(seconds=self.interval_s))
        if dues:
            left_s = min((max(dues) - self._now()).total_seconds(), self._max_wait_s)
            if left_s > 0:
                self._sleep(left_s)
        self._sent_at = self._now()
        self._held_until = None

    def hold(self, seconds: float) -> None:
        """Let at least ``seconds`` pass before the next request."""
        until = self._now() + timedelta(seconds=min(seconds, self._max_wait_s))
        self._held_until = until if self._held_until is None else max(self._held_until, until)

    def heed(self, headers: Mapping[str, str]) -> None:
        """Slow down to ``X-RateLimit-Limit``, and wait for the window's end when nothing remains of it."""
        limit = _number(headers.get("x-ratelimit-limit"))
        if limit is not None and limit > 0:
            self.interval_s = max(self.interval_s, WINDOW_S / limit)
        if _number(headers.get("x-ratelimit-remaining")) == 0:
            asked_s = asked_wait_s(headers, self._now())
            self.hold(WINDOW_S if asked_s is None else asked_s)


def asked_wait_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that a refusal asks to wait: ``Retry-After`` (RFC 9110, 10.2.3), else ``X-RateLimit-Reset``.

    ``X-RateLimit-Reset`` is AniList's Unix time at which requests are taken again
    (https://docs.anilist.co/guide/rate-limiting). None if neither can be read.
    """
    value = headers.get("retry-after")
    if (seconds := _number(value)) is not None:
        return seconds
    if value is not None and (at := _http_date(value)) is not None:
        return max(0.0, (at - now).total_seconds())
    if (reset := _number(headers.get("x-ratelimit-reset"))) is not None:
        return max(0.0, reset - now.timestamp())
    return None


def _number(value: str | None) -> int | None:
    # More than 12 digits are neither seconds nor a Unix time.
    stripped = (value or "").strip()
    return int(stripped) if stripped.isascii() and stripped.isdigit() and len(stripped) <= 12 else None


def _http_date(value: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
