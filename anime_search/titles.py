"""Titles in the reader's language."""

from __future__ import annotations

from typing import Final

from django.utils.translation import get_language

from anime_search.models import Anime

#: Fields in which a reader of a language looks for a title, the first that is there; what is romanised is the
#: most known of what is left. One field holds Chinese titles in whatever script they came.
_FIELDS: Final = {
    "ja": ("title_native",),
    "ko": ("title_korean",),
    "zh": ("title_chinese", "title_native"),
    "en": ("title_english",),
}


def reader_title(anime: Anime, language: str | None = None) -> str:
    """What a reader calls a title; a number where nothing else is known.

    Args:
        language: a code such as ``zh-hant``; that of the request by default.
    """
    code = (language or get_language() or "en").split("-")[0].lower()
    names = (getattr(anime, field) for field in _FIELDS.get(code, ()))
    return next((name for name in names if name), "") or str(anime)


def other_titles(anime: Anime, shown: str, *, most: int = 2) -> tuple[str, ...]:
    """What a title is called besides, without what is shown."""
    names = dict.fromkeys(
        (
            anime.title_romaji,
            anime.title_native,
            anime.title_english,
            anime.title_korean,
            anime.title_chinese,
        )
    )
    return tuple(name for name in names if name and name.casefold() != shown.casefold())[:most]
