"""Days, weeks, months and years, at their edges."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from rankings.periods import MADE_OF, Period, previous_span, span_of


@pytest.mark.parametrize(
    ("period", "day", "first", "last"),
    [
        (Period.DAILY, date(2026, 11, 22), date(2026, 11, 22), date(2026, 11, 22)),
        # A Sunday ends the week that began on Monday; the week of New Year belongs to two years.
        (Period.WEEKLY, date(2026, 11, 22), date(2026, 11, 16), date(2026, 11, 22)),
        (Period.WEEKLY, date(2026, 11, 23), date(2026, 11, 23), date(2026, 11, 29)),
        (Period.WEEKLY, date(2027, 1, 1), date(2026, 12, 28), date(2027, 1, 3)),
        (Period.MONTHLY, date(2024, 2, 29), date(2024, 2, 1), date(2024, 2, 29)),
        (Period.MONTHLY, date(2026, 2, 1), date(2026, 2, 1), date(2026, 2, 28)),
        (Period.MONTHLY, date(2026, 12, 31), date(2026, 12, 1), date(2026, 12, 31)),
        (Period.YEARLY, date(2026, 1, 1), date(2026, 1, 1), date(2026, 12, 31)),
        (Period.ALL, date(2026, 1, 1), date(1970, 1, 1), date.max),
    ],
)
def test_span_of_a_day(period: Period, day: date, first: date, last: date) -> None:
    span = span_of(period, day)
    assert (span.period, span.first, span.last) == (period, first, last)


@pytest.mark.parametrize("period", [Period.DAILY, Period.WEEKLY, Period.MONTHLY, Period.YEARLY])
def test_spans_follow_each_other_without_a_gap(period: Period) -> None:
    day = date(2023, 12, 1)
    while day < date(2025, 3, 1):
        span = span_of(period, day)
        assert span.first <= day <= span.last
        before = previous_span(span)
        assert before is not None
        assert before.last + timedelta(days=1) == span.first
        assert span_of(period, before.first) == before
        day += timedelta(days=1)


def test_all_time_has_no_period_before() -> None:
    assert previous_span(span_of(Period.ALL, date(2026, 1, 1))) is None


@pytest.mark.parametrize("period", MADE_OF)
def test_periods_are_whole_sums_of_their_parts(period: Period) -> None:
    for ago in range(800):
        whole = span_of(period, date(2026, 11, 22) - timedelta(days=ago))
        for end in (whole.first, min(whole.last, date(9998, 12, 31))):
            part = span_of(MADE_OF[period], end)
            assert whole.first <= part.first
            assert part.last <= whole.last
