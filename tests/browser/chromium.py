"""Chromium as the tests and the README's picture use it."""

from __future__ import annotations

import os
import shutil

#: It runs in containers and without a display, and talks to nobody but the site.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium_path() -> str:
    """Where the browser is: ``CHROMIUM``, else on the search path.

    Raises:
        RuntimeError: nowhere.
    """
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise RuntimeError("there is no chromium: install it, or name its file in CHROMIUM")
    return path
