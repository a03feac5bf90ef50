"""What an answer must not tell."""

from __future__ import annotations

import re
from typing import Final

from config.env import BASE_DIR

_INTERNAL: Final = [
    re.compile(re.escape(str(BASE_DIR))),
    re.compile(r"(?<![\w.])/(?:etc|home|root|tmp|usr|var|proc|srv|opt|media|mnt)\b"),
    re.compile(r"\b(?:10|127|169\.254|172\.(?:1[6-9]|2\d|3[01])|192\.168)\.\d{1,3}\.\d{1,3}\b"),
    re.compile(r"Traceback|line \d+, in|\.py\b|Errno|0x[0-9a-f]{6,}|<class|object at"),
    re.compile(
        r"\b(?:PIL|Pillow|libav|ffmpeg|httpx?core|httpx|celery|kombu|redis|sqlite|psycopg|django|rest_framework|"
        r"getaddrinfo|Connection refused|Name or service|UnidentifiedImage|cannot identify)\b",
        re.IGNORECASE,
    ),
    re.compile(r"SECRET-"),
]


def assert_tells_nothing_internal(text: str) -> None:
    """No path, private address, traceback or library's words."""
    for pattern in _INTERNAL:
        assert not pattern.search(text), f"{pattern.pattern!r} in {text!r}"
