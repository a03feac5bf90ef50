"""A safe way to call anitopy 2.1.

It is not re-entrant, raises on odd names and takes quadratic time for many brackets.
"""

from __future__ import annotations

import os
import threading
from typing import Final

import anitopy
from anitopy.element import Elements
from anitopy.token import Tokens

_OPTIONS: Final = {
    "allowed_delimiters": " _.&+,|",
    "ignored_strings": [],
    "parse_episode_number": True,
    "parse_episode_title": False,
    "parse_file_extension": False,
    "parse_release_group": True,
}
_BRACKETS: Final = "[({\u3010\u300c\u300e\uff08"
_MAX_BRACKETS: Final = 48  # real names have a dozen


class _Anitopy:
    """anitopy, one name at a time: it keeps the name that it works on in class attributes."""

    def __init__(self) -> None:
        self.lock = threading.Lock()

    def elements(self, text: str) -> dict[str, str | list[str]]:
        with self.lock:
            return anitopy.parse(text, dict(_OPTIONS)) or {}

    def forget_other_threads(self) -> None:
        """In a forked child, drop a lock that another thread held during the fork: the child has no such thread."""
        self.lock = threading.Lock()
        Elements.INSTANCE = Tokens.INSTANCE = None


_anitopy = _Anitopy()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_anitopy.forget_other_threads)


def ask_anitopy(text: str) -> dict[str, str]:
    """Return anitopy's elements for a name without extension, each as its first value.

    The result is empty where anitopy gives up, fails or would take long.
    """
    if not text.strip() or sum(map(text.count, _BRACKETS)) > _MAX_BRACKETS:
        return {}
    try:
        elements = _anitopy.elements(text)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return {}  # a name that ends in "Ep", a character without a Unicode name
    return {key: value if isinstance(value, str) else value[0] for key, value in elements.items()}
