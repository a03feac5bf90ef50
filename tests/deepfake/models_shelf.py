"""Models of tests where a site looks for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deepfake import runtime
from tests.deepfake.engine.networks import write_bundle


def shelve(name: str, files: dict[str, bytes] | None = None, **changes: Any) -> Path:
    """Put a model among the installed ones; see :func:`.engine.networks.write_bundle`."""
    return write_bundle(runtime.models_dir() / name, files, **changes)


def use(name: str) -> None:
    """Write down that a model is in use, as ``activate`` does."""
    runtime.active_file().write_text(name + "\n")
