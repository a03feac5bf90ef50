"""Processes that claim the same rows at the same time."""

from __future__ import annotations

import subprocess
import sys

from tests.command_line import PROJECT
from tests.integration.conftest import Site


class Claimers:
    """Three processes that are ready, each with a connection of its own, before any of them claims.

    Args:
        script: prints ``ready``, waits for a line, claims, and prints how many rows it got.
    """

    def __init__(self, site: Site, script: str) -> None:
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-c", script],
                cwd=PROJECT,
                env={**site.environment, "DJANGO_SETTINGS_MODULE": "config.settings"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(3)
        ]
        for process in self._processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"

    def claim(self) -> int:
        """Let them go all at once; returns how many rows were claimed by all of them together."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        return sum(int(process.communicate()[0]) for process in self._processes)
