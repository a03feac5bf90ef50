"""The figures as ``/status.json`` tells them."""

from __future__ import annotations

from typing import Any, Final

from core import clock
from status.selectors import DAY, MONTH, WEEK, Durations, Figures

_HOUR_MS: Final = 3_600_000


def document_of(figures: Figures) -> dict[str, Any]:
    """Hours with two decimals, durations in milliseconds, shares in percent with two decimals, rounded down."""
    return {
        "status": status_of(figures),
        "measuredAt": clock.as_javascript(figures.measured_at),
        "index": {
            "titles": figures.totals.titles,
            "videos": figures.totals.videos,
            "hours": round(figures.totals.duration_ms / _HOUR_MS, 2),
            "frames": figures.totals.frames,
        },
        "searches": {"last24Hours": _durations(figures.day), "last7Days": _durations(figures.week)},
        "waiting": {
            "searches": figures.waiting.searches,
            "videos": figures.waiting.videos,
            "analyses": figures.waiting.analyses,
        },
        "uptime": {
            "since": None if figures.ready_since is None else clock.as_javascript(figures.ready_since),
            "last24Hours": percent(figures.uptime[DAY]),
            "last7Days": percent(figures.uptime[WEEK]),
            "last30Days": percent(figures.uptime[MONTH]),
        },
    }


def status_of(figures: Figures) -> str:
    """``up`` or ``down``; ``unknown`` where the search has never been seen ready."""
    return {True: "up", False: "down", None: "unknown"}[figures.is_ready]


def percent(share: float | None) -> float | None:
    """A share in percent with two decimals, rounded down: only a whole is 100."""
    return None if share is None else int(share * 10_000) / 100


def _durations(durations: Durations) -> dict[str, Any]:
    return {
        "answered": durations.searches,
        "failed": durations.failed,
        **{
            name: None if value is None else round(value)
            for name, value in (
                ("p50Ms", durations.p50_ms),
                ("p90Ms", durations.p90_ms),
                ("p99Ms", durations.p99_ms),
            )
        },
    }
