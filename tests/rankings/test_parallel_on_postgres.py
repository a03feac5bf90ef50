"""Exact under parallel calls on PostgreSQL, where transactions do run at the same time."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.command_line import PATIENCE_S, PROJECT, process_environment
from tests.integration.conftest import DATABASE_URL

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

SCRIPT = """
import django, json
django.setup()
from functools import partial
from django.core.management import call_command
call_command("migrate", verbosity=0)
from rankings.errors import MatchUnknown
from rankings.models import SearchEvent, Tally
from rankings.rebuild import rebuild_tallies
from rankings.selectors import ranking_of, recent_searches
from rankings.services import confirm_match, purge_searches, record_search
from rankings.periods import Period
from tests.rankings.crowd import at_once
from tests.rankings.made import answer_of, counts, guest, put_video

video, other = put_video(7), put_video(8)
once = at_once([
    partial(record_search, principal=guest(), answer=answer_of(video, at_s=95.1 + number / 2))
    for number in range(20)
])
unsure = answer_of(other, put_video(9), confident=False)
record_search(principal=guest(), answer=unsure)

def confirm(position):
    try:
        return confirm_match(principal=guest(), search_id=unsure.search_id, position=position)
    except MatchUnknown:
        return False

confirmed = at_once([partial(confirm, number % 2) for number in range(20)])

def search_on(number):
    counted = 0
    for second in range(0, 1000, 50):
        for each in (video, other) if number % 2 else (other, video):
            counted += record_search(principal=guest(number), answer=answer_of(each, at_s=second))
    return counted

def rebuild(_):
    for _ in range(10):
        rebuild_tallies()
    return 0

many = at_once([*(partial(search_on, number) for number in range(100, 116)), partial(rebuild, 0)])
sums = {period.value: sum(counts(period).values()) for period in Period}
print(json.dumps({
    "once": sum(once), "confirmed": sum(confirmed), "many": sum(many), "sums": sums,
    "events": SearchEvent.objects.count(),
    "wrong": rebuild_tallies().rows_corrected,
    "first": ranking_of(period=Period.DAILY, limit=1, include_adult=True).titles[0].rank,
    "recent": len(recent_searches(limit=100, offset=0, include_adult=False)),
    "purged": purge_searches(),
}))
"""


@pytest.fixture
def database_url() -> Iterator[str]:
    """A PostgreSQL database of this test alone."""
    name = f"frameproof_test_{secrets.token_hex(6)}"
    try:
        server = psycopg.connect(DATABASE_URL, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        if os.environ.get("CI"):
            pytest.fail(f"continuous integration needs PostgreSQL: {error}")
        pytest.skip(f"no PostgreSQL: {error}")
    with server:
        server.execute(f'CREATE DATABASE "{name}"')
        yield DATABASE_URL.rsplit("/", 1)[0] + f"/{name}"
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_nothing_is_counted_twice_or_lost_while_sums_are_rebuilt(database_url: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=PROJECT,
        env=process_environment(tmp_path)
        | {"DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    searched = 1 + 1 + 16 * 2 * 20
    assert (found["once"], found["confirmed"], found["many"]) == (1, 1, 16 * 2 * 20)
    assert found["sums"] == dict.fromkeys(("daily", "weekly", "monthly", "yearly", "all"), searched)
    assert (found["events"], found["wrong"], found["first"]) == (searched, 0, 1)
    assert (found["recent"], found["purged"]) == (100, 0)
