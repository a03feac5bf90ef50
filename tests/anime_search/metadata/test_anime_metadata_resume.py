"""``anime_metadata`` stopped, killed and run again: nothing is lost, and nothing asked twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError
from django.db import connection

from tests.anime_search.metadata.fake_anilist import FakeAniList, FakeClock, Reply
from tests.anime_search.metadata.operator_run import name, run, titles

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(60)]


class Killed(BaseException):
    """The end of the process, as far as the code that runs can see it."""


def test_run_that_gives_up_keeps_what_it_has_and_the_next_goes_on(
    anilist: FakeAniList, fake_clock: FakeClock
) -> None:
    name(*range(1, 121))
    anilist.know(*range(1, 121))
    anilist.script.extend([None, *[Reply(503, b"<html>")] * 6])
    with pytest.raises(CommandError, match="50 of 120 titles are done; run it again later") as caught:
        run(fake_clock)
    assert caught.value.returncode != 0
    assert len(titles()) == 50
    summary = run(fake_clock)
    assert (summary["asked_for"], summary["requests"]) == (70, 2)
    assert len(titles()) == 120


def test_run_killed_between_two_batches_asks_nothing_twice(
    anilist: FakeAniList, fake_clock: FakeClock
) -> None:
    name(*range(1, 101))
    anilist.know(*range(1, 101))

    def killed(seconds: float) -> None:
        raise Killed

    with pytest.raises(Killed):
        run(fake_clock, sleep=killed)
    assert len(titles()) == 50
    run(fake_clock)
    assert anilist.asked == [list(range(1, 51)), list(range(51, 101))]


def test_run_killed_before_its_answers_are_saved_finds_them_on_disk(
    anilist: FakeAniList, fake_clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    name(1, 2)
    anilist.know(1, 2)

    def killed(*args: Any, **options: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("anime_search.metadata.services._apply_chunk", killed)
        with pytest.raises(Killed):
            run(fake_clock)
    assert titles() == {}
    summary = run(fake_clock)
    assert (summary["from_cache"], summary["requests"]) == (2, 0)
    assert len(titles()) == 2


def database_url() -> str:
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{database['NAME']}"
    place = f"{database['HOST'] or 'localhost'}:{database['PORT'] or 5432}"
    return f"{connection.vendor}://{database['USER']}:{database['PASSWORD']}@{place}/{database['NAME']}"


@pytest.mark.django_db(transaction=True)
def test_process_killed_by_the_system_goes_on_where_it_was(
    anilist: FakeAniList, fake_clock: FakeClock
) -> None:
    name(*range(1, 101))
    anilist.know(*range(1, 101))
    anilist.script.extend([None, Reply(delay_s=5.0)])
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "DATA_DIR": str(django_settings.DATA_DIR),
        "ANILIST_URL": anilist.url,
        "SECRET_KEY": "only of this test",
    }
    process = subprocess.Popen(
        [sys.executable, "manage.py", "anime_metadata", "--rate", "90"],
        cwd=django_settings.BASE_DIR,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        while len(anilist.asked) < 2 and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        _, said = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == -signal.SIGKILL, said.decode()
    assert len(titles()) == 50
    summary = run(fake_clock)
    assert (summary["asked_for"], summary["found"]) == (50, 50)
    assert len(titles()) == 100
    assert anilist.asked[0] == list(range(1, 51))
    assert anilist.asked[1] == anilist.asked[2] == list(range(51, 101))
    assert len(anilist.asked) == 3
