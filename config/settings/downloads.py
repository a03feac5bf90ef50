"""Which sites' videos are downloaded for an analysis."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.core.exceptions import ImproperlyConfigured

#: yt-dlp's extractors for YouTube, TikTok and its short links, Instagram, and X.
EXTRACTORS = ["youtube", "tiktok", "vm.tiktok", "instagram", "twitter"]

_NAME = re.compile(r"[a-z0-9][a-z0-9:_.+ -]{0,59}")


def extractor_names(name: str, listed: Iterable[str]) -> tuple[str, ...]:
    """The names of yt-dlp's extractors that a setting lists, in lower case.

    Args:
        name: of the setting.

    Raises:
        ImproperlyConfigured: an entry is no such name, or ``generic``: that takes every page, and follows any
            address in it.
    """
    names = tuple(entry.strip().lower() for entry in listed if entry.strip())
    for entry in names:
        if entry.partition(":")[0] in ("generic", "all", "default") or not _NAME.fullmatch(entry):
            raise ImproperlyConfigured(f"{name}: {entry!r} is not the name of an extractor that may be used")
    return names
