"""Management commands as an operator runs them: processes of their own, with a data directory of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parent.parent
#: Seconds that a command may take on a busy machine.
PATIENCE_S = 90.0


@dataclass(frozen=True, slots=True)
class Finished:
    """What a command that ended left."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def summary(self) -> dict[str, Any]:
        """The one line of JSON that ``--json`` prints."""
        (line,) = self.stdout.splitlines()
        summary: dict[str, Any] = json.loads(line)
        return summary

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stdout.splitlines()]


class Running:
    """A command in a process group of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def kill(self) -> None:
        """``kill -9`` of the command and all its children."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def kill_alone(self) -> None:
        """``kill -9`` of the command, and not of its children."""
        self.process.kill()
        self.process.wait()

    def interrupt(self) -> None:
        """Ctrl-C: the terminal tells the whole group."""
        os.killpg(self.process.pid, signal.SIGINT)

    def finish(self, patience_s: float = PATIENCE_S) -> Finished:
        stdout, stderr = self.process.communicate(timeout=patience_s)
        return Finished(self.process.returncode, stdout, stderr)


class CommandLine:
    """``manage.py`` on one data directory."""

    def __init__(self, data_dir: Path, environment: dict[str, str]) -> None:
        self.data_dir = data_dir
        self.environment = environment
        self._running: list[Running] = []

    @classmethod
    def copy_of(cls, migrated: Path, data_dir: Path, **environment: str) -> CommandLine:
        shutil.copytree(migrated, data_dir)
        return cls(data_dir, process_environment(data_dir) | environment)

    def start(self, *arguments: object) -> Running:
        """Start a command and go on."""
        process = subprocess.Popen(
            [sys.executable, "manage.py", *_texts(arguments)],
            cwd=PROJECT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._running.append(Running(process))
        return self._running[-1]

    def run(self, *arguments: object) -> Finished:
        """Run a command to its end."""
        return self.start(*arguments).finish()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the database, from outside, while commands run."""
        connection = sqlite3.connect(self.data_dir / "frameproof.sqlite3", timeout=30)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def tracks(self) -> dict[str, int]:
        """Name and modification time of every frame track."""
        return {path.name: path.stat().st_mtime_ns for path in self.data_dir.glob("tracks/*/*/*.safetensors")}

    def close(self) -> None:
        for running in self._running:
            if running.process.poll() is None:
                running.kill()


def _texts(arguments: Sequence[object]) -> list[str]:
    return [os.fspath(item) if isinstance(item, os.PathLike) else str(item) for item in arguments]


def process_environment(data_dir: Path) -> dict[str, str]:
    """The environment of commands under test: this one's, without its settings."""
    foreign = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if name not in foreign} | {
        "DATA_DIR": str(data_dir),
        "SECRET_KEY": "for tests only, of some length, and never anywhere else",
        # Starting Python is most of what such a test does: modules are compiled once for all of them.
        "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir(), f"frameproof-bytecode-{os.getuid()}")),
        "PYTHONUNBUFFERED": "1",
    }


def migrated_data_dir(factory: pytest.TempPathFactory) -> Path:
    """Make a data directory with a migrated database."""
    data_dir = factory.mktemp("migrated")
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=PROJECT,
        env=process_environment(data_dir),
        check=True,
        timeout=PATIENCE_S,
    )
    return data_dir


def wait_until(condition: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait for a condition that comes true by itself, or fail."""
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {patience_s:.0f} s in vain: {what}")
        time.sleep(0.05)
