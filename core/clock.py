"""The project's one clock: aware UTC times, and the edges of days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta


def now() -> datetime:
    """The current time, aware, in UTC: the zone in which every window and day is counted."""
    return datetime.now(UTC)


def today(at: datetime | None = None) -> date:
    """The UTC day that ``at`` (now by default) falls in."""
    return (at or now()).astimezone(UTC).date()


def next_day_starts(at: datetime | None = None) -> datetime:
    """Midnight UTC that ends the day of ``at``: when daily allowances are renewed."""
    return datetime.combine(today(at) + timedelta(days=1), datetime.min.time(), tzinfo=UTC)


def as_javascript(at: datetime) -> str:
    """A time as JavaScript writes it: ``2026-01-02T03:04:05.678Z``."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
