"""The parallel deliveries again on PostgreSQL, where transactions do run at the same time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.command_line import PATIENCE_S, PROJECT
from tests.integration.conftest import DATABASE_URL

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


def test_parallel_deliveries_on_postgres(tmp_path: Path) -> None:
    try:
        psycopg.connect(DATABASE_URL, connect_timeout=5).close()
    except psycopg.OperationalError as error:
        if os.environ.get("CI"):
            pytest.fail(f"continuous integration needs PostgreSQL: {error}")
        pytest.skip(f"no PostgreSQL: {error}")
    base, _, _ = DATABASE_URL.rpartition("/")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "tests/credits_payments",
            "-q",
            "-k",
            "parallel",
            "-p",
            "no:cacheprovider",
        ],
        cwd=PROJECT,
        env={**environment, "DATA_DIR": str(tmp_path), "DATABASE_URL": f"{base}/payments_{os.getpid()}"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout
