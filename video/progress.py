"""How a long work on a video tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

#: Told how much is done, and of how much: seconds of video while decoding, zeros while only reading.
Progress = Callable[[float, float], None]


def no_progress(_done_s: float, _total_s: float) -> None:
    """For callers that do not watch."""
