"""The search that answers what a test says, as the tests of its own page have it."""

from __future__ import annotations

from tests.anime_search.web.conftest import _fresh_windows, answer, video

__all__ = ["_fresh_windows", "answer", "video"]
