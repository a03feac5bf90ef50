"""The sums of each period: added to with every search, and made anew out of what they are the sums of.

Both are statements of SQL, since Django has no ``ON CONFLICT DO UPDATE`` that adds. PostgreSQL and SQLite
understand the same words.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from django.db import connection, transaction

from rankings.periods import MADE_OF, Period, Span, span_of

_ADD: Final = """
    INSERT INTO rankings_tally (period, start, anilist_id, count) VALUES (%s, %s, %s, 1)
    ON CONFLICT (period, start, anilist_id) DO UPDATE SET count = rankings_tally.count + excluded.count
"""
_TAKE: Final = """
    UPDATE rankings_tally SET count = count - 1 WHERE period = %s AND start = %s AND anilist_id = %s AND count > 0
"""
_DROP_EMPTY: Final = """
    DELETE FROM rankings_tally WHERE period = %s AND start = %s AND anilist_id = %s AND count = 0
"""
_SUM_EVENTS: Final = """
    INSERT INTO rankings_tally (period, start, anilist_id, count)
    SELECT %s, %s, anilist_id, COUNT(*) FROM rankings_searchevent WHERE day = %s GROUP BY anilist_id
    ON CONFLICT (period, start, anilist_id) DO UPDATE SET count = excluded.count
    WHERE rankings_tally.count <> excluded.count
"""
_DROP_WITHOUT_EVENTS: Final = """
    DELETE FROM rankings_tally WHERE period = %s AND start = %s
    AND anilist_id NOT IN (SELECT anilist_id FROM rankings_searchevent WHERE day = %s)
"""
_SUM_PARTS: Final = """
    INSERT INTO rankings_tally (period, start, anilist_id, count)
    SELECT %s, %s, anilist_id, SUM(count) FROM rankings_tally
    WHERE period = %s AND start BETWEEN %s AND %s GROUP BY anilist_id
    ON CONFLICT (period, start, anilist_id) DO UPDATE SET count = excluded.count
    WHERE rankings_tally.count <> excluded.count
"""
_DROP_WITHOUT_PARTS: Final = """
    DELETE FROM rankings_tally WHERE period = %s AND start = %s AND anilist_id NOT IN
    (SELECT anilist_id FROM rankings_tally WHERE period = %s AND start BETWEEN %s AND %s)
"""


def add_to_tallies(*, anilist_id: int, day: date) -> None:
    """Count one search in every period that holds the day; exact however many do so at the same time.

    Every writer takes a title's rows in the same order, so that no two wait for each other.
    """
    rows = [(period.value, span_of(period, day).first, anilist_id) for period in Period]
    with connection.cursor() as cursor:
        cursor.executemany(_ADD, rows)


def take_from_tallies(*, anilist_id: int, day: date) -> None:
    """Undo :func:`add_to_tallies`; a sum of nothing is no row."""
    rows = [(period.value, span_of(period, day).first, anilist_id) for period in Period]
    with connection.cursor() as cursor:
        cursor.executemany(_TAKE, rows)
        cursor.executemany(_DROP_EMPTY, rows)


def recount_day(*, day: date, dry_run: bool = False) -> int:
    """Make a day's sums anew out of the searches that are kept; the number of rows that were wrong."""
    key = (Period.DAILY.value, day)
    return _correct((_SUM_EVENTS, (*key, day)), (_DROP_WITHOUT_EVENTS, (*key, day)), dry_run=dry_run)


def resum(*, span: Span, dry_run: bool = False) -> int:
    """Make the sums of a week or longer anew out of the shorter periods; the number of rows that were wrong."""
    parts = (span.period.value, span.first, MADE_OF[span.period].value, span.first, span.last)
    return _correct((_SUM_PARTS, parts), (_DROP_WITHOUT_PARTS, parts), dry_run=dry_run)


def _correct(*statements: tuple[str, tuple[str | date, ...]], dry_run: bool) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Searches wait to be counted until the sum is written, or it would lack those of this moment;
            # nobody who reads waits. SQLite has one writer at a time anyway.
            cursor.execute("LOCK TABLE rankings_tally IN SHARE ROW EXCLUSIVE MODE")
        wrong = 0
        for sql, values in statements:
            cursor.execute(sql, values)
            wrong += cursor.rowcount
        transaction.set_rollback(dry_run)
    return wrong
