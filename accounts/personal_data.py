"""Export and deletion of one's data: every app says what it has stored of a user, and how it forgets it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accounts.models import User

Exporter = Callable[[User], Any]
Eraser = Callable[[User], None]

_exporters: dict[str, Exporter] = {}
_erasers: dict[str, Eraser] = {}


def register_exporter(name: str, exporter: Exporter) -> None:
    """Add a section to the export; called from ``AppConfig.ready``.

    Args:
        name: the section's key in the export.
        exporter: gives what is stored of a user as JSON can hold it.
    """
    _exporters[name] = exporter


def register_eraser(name: str, eraser: Eraser) -> None:
    """Add what has to happen before a user's row is deleted; called from ``AppConfig.ready``.

    Rows that refer to the user with ``CASCADE`` need none: an eraser is for what is kept without its owner.

    Args:
        name: the app's, so that registering twice is registering once.
        eraser: runs inside the transaction that deletes the user.
    """
    _erasers[name] = eraser


def export_personal_data(user: User) -> dict[str, Any]:
    """Everything that the apps have stored of a user, by section."""
    return {name: exporter(user) for name, exporter in sorted(_exporters.items())}


def erase_personal_data(user: User) -> None:
    """Let every app forget a user, or keep what it must keep without the owner's name."""
    for _, eraser in sorted(_erasers.items()):
        eraser(user)
