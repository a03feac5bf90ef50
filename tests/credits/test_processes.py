"""Exact with real processes on one SQLite file, as a server and commands beside it have it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conftest import MakeCommandLine
from tests.credits.exactness import (
    ON_ANY_DATABASE,
    Installation,
    check_fifty_across_free_and_bought_with_failures,
    check_killed_process_is_refunded_once,
)

#: Starting processes takes long: these two stand for all where tests are to be quick.
QUICK = [check_fifty_across_free_and_bought_with_failures, check_killed_process_is_refunded_once]


@pytest.fixture
def site(make_command_line: MakeCommandLine) -> Installation:
    return Installation(make_command_line().environment)


@pytest.mark.parametrize(
    "check",
    [
        check if check in QUICK else pytest.param(check, marks=pytest.mark.integration)
        for check in ON_ANY_DATABASE
    ],
)
def test_processes_on_one_sqlite_file_are_exact(
    site: Installation, check: Callable[[Installation], None]
) -> None:
    check(site)
