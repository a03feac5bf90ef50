"""An environment for each client from PyPI: what they need must not meet what the project needs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

DRIVERS: Final = Path(__file__).parent / "drivers"
INSTALL_S: Final = 120
DRIVE_S: Final = 90


@dataclass(frozen=True, slots=True)
class ThirdParty:
    """A client as it was published; what it depends on is the newest that goes with it."""

    package: str
    version: str
    driver: str

    @property
    def requirement(self) -> str:
        return f"{self.package}=={self.version}"


def install(client: ThirdParty, cache: Path) -> Path:
    """The Python of an environment that has a client, made once for a cache folder.

    Without a package index the test fails in continuous integration, and is skipped elsewhere.
    """
    python_version = ".".join(map(str, sys.version_info[:2]))
    folder = cache / f"{client.package}-{client.version}-py{python_version}"
    python, ready = folder / "bin" / "python", folder / "ready"
    if ready.exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", client.requirement],
    ):  # fmt: skip
        try:
            subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, check=True)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            give_up = pytest.fail if os.environ.get("CI") else pytest.skip
            give_up(f"{client.requirement} could not be installed: {error}\n{error.stderr}")
    ready.touch()
    return python


def drive(python: Path, client: ThirdParty, **asked: Any) -> dict[str, Any]:
    """Run a client's driver in its environment: what it is asked goes in as JSON, what it came to comes out so."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().endswith("_PROXY") and name != "PYTHONPATH"
    }
    done = subprocess.run(
        [str(python), "-W", "ignore", str(DRIVERS / client.driver), json.dumps(asked)],
        capture_output=True,
        text=True,
        timeout=DRIVE_S,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told
