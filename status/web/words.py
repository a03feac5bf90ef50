"""The figures as the page tells them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from status.selectors import DAY, MONTH, WEEK, Durations, Figures
from status.web.document import percent, status_of

_HOUR_MS: Final = 3_600_000
#: Durations from here on are told in seconds.
_SECOND_MS: Final = 1000


def page_of(figures: Figures) -> dict[str, Any]:
    """What the template shows: names and texts."""
    totals = figures.totals
    return {
        "status": status_of(figures),
        "measured_at": figures.measured_at,
        "ready_since": figures.ready_since,
        "index": (
            (_("Hours of video"), number_format(totals.duration_ms / _HOUR_MS, 1, force_grouping=True)),
            (_("Frames"), _number(totals.frames)),
            (_("Videos"), _number(totals.videos)),
            (_("Titles"), _number(totals.titles)),
        ),
        "durations": {
            "windows": (_("Last 24 hours"), _("Last 7 days")),
            "rows": _duration_rows((figures.day, figures.week)),
        },
        "waiting": (
            (
                _("Searches"),
                _("not known") if figures.waiting.searches is None else _number(figures.waiting.searches),
            ),
            (_("Videos to be indexed"), _number(figures.waiting.videos)),
            (_("Videos to be analysed"), _number(figures.waiting.analyses)),
        ),
        "uptime": tuple(
            (name, _percent(figures.uptime[window]))
            for name, window in (
                (_("Last 24 hours"), DAY),
                (_("Last 7 days"), WEEK),
                (_("Last 30 days"), MONTH),
            )
        ),
    }


def _duration_rows(windows: Sequence[Durations]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return (
        (_("One of two, at most"), tuple(_duration(each.p50_ms) for each in windows)),
        (_("Nine of ten, at most"), tuple(_duration(each.p90_ms) for each in windows)),
        (_("99 of 100, at most"), tuple(_duration(each.p99_ms) for each in windows)),
        (_("Searches with an answer"), tuple(_number(each.searches) for each in windows)),
        (_("Searches that failed"), tuple(_number(each.failed) for each in windows)),
    )


def _duration(duration_ms: float | None) -> str:
    if duration_ms is None:
        return "–"
    if duration_ms < _SECOND_MS:
        return _("%(n)s ms") % {"n": number_format(round(duration_ms))}
    return _("%(n)s s") % {"n": number_format(duration_ms / _SECOND_MS, 1)}


def _number(count: int) -> str:
    return number_format(count, force_grouping=True)


def _percent(share: float | None) -> str:
    value = percent(share)
    return "–" if value is None else _("%(n)s%%") % {"n": number_format(value, 2)}
