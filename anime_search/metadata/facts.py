"""What a source says of a title, cleaned to fit :class:`~anime_search.models.Anime`; AniList's way to say it.

A source's value of the wrong type, out of range or unsafe is taken as not said: never an error, and never
a reason to empty a field that another source filled.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator

from anime_search.models import NAME_LENGTH, AnimeFormat, AnimeSeason

FieldValue = str | int | bool | list[str]

#: AniList's numbers are GraphQL ``Int``s: 32 bits, signed.
MAX_ID: Final = 2**31 - 1
MAX_SYNONYMS: Final = 200
YEARS: Final = range(1900, 2200)

#: Of ``Anime.cover_url``.
COVER_LENGTH: Final = 500
_https = URLValidator(schemes=["https"])
#: A Media object that has all of these came from a query like ours: there is nothing left to ask AniList.
_COMPLETE: Final = frozenset({"title", "format", "episodes", "startDate", "coverImage"})


@dataclass(frozen=True, slots=True)
class TitleFacts:
    """What one source says of one title.

    Attributes:
        values: field of ``Anime`` → value; what the source does not say is absent, so no value is empty.
        fills_gaps: the source is the lesser one: it never replaces what is known.
        complete: all that AniList tells, so that it need not be asked.
        fetched_at: when AniList itself said so; None for a file.
    """

    anilist_id: int
    values: Mapping[str, FieldValue]
    fills_gaps: bool = False
    complete: bool = False
    fetched_at: datetime | None = None


def facts_of_media(media: Mapping[str, Any], *, fetched_at: datetime | None = None) -> TitleFacts | None:
    """Read an AniList ``Media`` object (https://docs.anilist.co/reference/object/media).

    Titles in Chinese and Korean, which AniList has not, are taken where a file adds them as
    ``title.chinese``, ``title.korean`` and ``synonyms_chinese``.

    Returns:
        None if the object is no anime, or has no usable id.
    """
    anilist_id = whole_number(media.get("id"), range(1, MAX_ID + 1))
    if anilist_id is None or media.get("type", "ANIME") != "ANIME":
        return None
    title, start, cover = (_mapping(media.get(name)) for name in ("title", "startDate", "coverImage"))
    said = {
        "mal_id": whole_number(media.get("idMal"), range(1, MAX_ID + 1)),
        **{
            f"title_{name}": text(title.get(name))
            for name in ("native", "romaji", "english", "chinese", "korean")
        },
        "synonyms": texts(media.get("synonyms")),
        "synonyms_chinese": texts(media.get("synonyms_chinese")),
        "season": choice(media.get("season"), AnimeSeason),
        "season_year": whole_number(media.get("seasonYear"), YEARS) or whole_number(start.get("year"), YEARS),
        "start_month": whole_number(start.get("month"), range(1, 13)),
        "format": choice(media.get("format"), AnimeFormat),
        "episodes": whole_number(media.get("episodes"), range(1, MAX_ID + 1)),
        "is_adult": media["isAdult"] if isinstance(media.get("isAdult"), bool) else None,
        "cover_url": https_url(cover.get("extraLarge")) or https_url(cover.get("large")),
    }
    return TitleFacts(
        anilist_id, what_is_said(said), complete=media.keys() >= _COMPLETE, fetched_at=fetched_at
    )


def what_is_said(values: Mapping[str, FieldValue | None]) -> dict[str, FieldValue]:
    """``values`` without the empty ones; False is not empty."""
    return {name: value for name, value in values.items() if value not in (None, "", [])}


def text(value: object) -> str:
    """A one-line text that every database takes, at most ``NAME_LENGTH`` characters; "" for anything else."""
    if not isinstance(value, str):
        return ""
    # PostgreSQL refuses NUL, and a lone surrogate (which JSON can spell) cannot be encoded at all.
    legible = (
        char
        for char in value[: 8 * NAME_LENGTH]
        if char.isspace() or unicodedata.category(char) not in ("Cc", "Cs")
    )
    return " ".join("".join(legible).split())[:NAME_LENGTH].strip()


def texts(value: object) -> list[str]:
    """The distinct texts of a list, in its order."""
    if not isinstance(value, list):
        return []
    return list(dict.fromkeys(filter(None, map(text, value))))[:MAX_SYNONYMS]


def whole_number(value: object, within: range) -> int | None:
    """``value`` if it is an integer (True is none) in the range."""
    return value if type(value) is int and value in within else None


def choice(value: object, choices: type[AnimeFormat | AnimeSeason]) -> str:
    """``value`` if it is one of the choices, else ""."""
    return value if isinstance(value, str) and value in choices.values else ""


def https_url(value: object) -> str:
    """An absolute https URL without credentials, short enough to be kept, else ""."""
    if (
        not isinstance(value, str)
        or len(value) > COVER_LENGTH
        or "@" in value.partition("//")[2].partition("/")[0]
    ):
        return ""
    try:
        _https(value)
    except ValidationError:
        return ""
    return value


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
