"""Titles from files that were downloaded elsewhere: what is in them, told from their content.

Known shapes, alone or mixed, as a JSON list, an object that wraps it, or an object a line (NDJSON):

* AniList's ``Media`` objects, bare, in an API answer, or as this program's own cache keeps them;
* Chinese titles of https://github.com/soruly/anilist-chinese: ``{"id", "title", "synonyms"}``;
* Korean titles, and Chinese ones by their full names: ``{"id", "title_korean", "title_chinese", …}``;
* https://github.com/manami-project/anime-offline-database: ``{"sources", "title", "synonyms", …}``.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final

from anime_search.metadata.facts import (
    MAX_ID,
    YEARS,
    TitleFacts,
    choice,
    facts_of_media,
    https_url,
    text,
    texts,
    what_is_said,
    whole_number,
)
from anime_search.models import AnimeFormat, AnimeSeason
from core.errors import DomainError

_WRAPPERS: Final = ("data", "Page", "media", "Media")
_ANILIST_URL: Final = re.compile(r"https://anilist\.co/anime/([1-9][0-9]{0,9})/?")
_MAL_URL: Final = re.compile(r"https://myanimelist\.net/anime/([1-9][0-9]{0,9})/?")
_OWN_TITLES: Final = frozenset({"title_korean", "title_chinese", "synonyms_chinese"})
_REPORTED: Final = 10


class TitleFileError(DomainError):
    """The file cannot be read, is not JSON, or holds nothing that is known as titles."""

    code: ClassVar[str] = "TITLE_FILE_ERROR"
    default_message = "The file holds no titles in a known format."


@dataclass(slots=True)
class TitleFile:
    """What a file says.

    Attributes:
        rows: how many it has.
        formats: rows by format.
        without_id: well-formed rows of other things than AniList's anime: manga, titles of other sites.
        without_title: rows of the right shape that name nothing.
        malformed: how many rows cannot be used.
        problems: the first of these, in words.
    """

    facts: list[TitleFacts] = field(default_factory=list)
    rows: int = 0
    formats: Counter[str] = field(default_factory=Counter)
    without_id: int = 0
    without_title: int = 0
    malformed: int = 0
    problems: list[str] = field(default_factory=list)

    def reject(self, row: int, reason: str) -> None:
        """Count a row that cannot be used."""
        self.malformed += 1
        if len(self.problems) < _REPORTED:
            self.problems.append(f"row {row}: {reason}")


def read_title_file(path: Path) -> TitleFile:
    """Read every row of a file; a row that cannot be used is counted, and stops nothing.

    Raises:
        TitleFileError: no file, not JSON, or not one row of a known shape.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TitleFileError(f"{path.name} cannot be read: {error.strerror}.") from error
    titles = TitleFile()
    for number, row in enumerate(_rows(content, path.name), start=1):
        titles.rows += 1
        _read_row(titles, number, row)
    if titles.rows and not titles.formats:
        raise TitleFileError(f"{path.name} holds no titles in a known format ({titles.problems[0]}).")
    return titles


def _rows(content: bytes, name: str) -> Iterable[object]:
    try:
        decoded = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TitleFileError(f"{name} is not JSON: it is not UTF-8 text.") from error
    try:
        return _unwrapped(json.loads(decoded))
    except RecursionError as error:
        raise TitleFileError(f"{name} is not JSON that can be read: it is nested too deeply.") from error
    except ValueError as error:
        lines = [line for line in decoded.split("\n") if line.strip()]
        parsed = [_line(line) for line in lines]
        if 2 * sum(isinstance(row, dict) for row in parsed) <= len(lines):
            raise TitleFileError(f"{name} is not JSON: {error}.") from error
        return [row for line in parsed for row in (_unwrapped(line) if isinstance(line, dict) else [line])]


def _line(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return line


def _unwrapped(document: object) -> list[Any]:
    while isinstance(document, dict):
        inside = next(
            (document[key] for key in _WRAPPERS if isinstance(document.get(key), (dict, list))), None
        )
        if inside is None:
            return [document]
        document = inside
    return document if isinstance(document, list) else [document]


def _read_row(titles: TitleFile, number: int, row: object) -> None:
    if not isinstance(row, dict):
        titles.reject(number, "not an object")
    elif isinstance(row.get("sources"), list):
        _read_offline_database(titles, number, row)
    elif whole_number(row.get("id"), range(1, MAX_ID + 1)) is None:
        titles.reject(number, "no AniList id")
    elif isinstance(row.get("title"), dict):
        titles.formats["anilist"] += 1
        facts = facts_of_media(row)
        if facts is None:
            titles.without_id += 1
        elif not any(name.startswith("title_") for name in facts.values):
            titles.reject(number, "no title")
        else:
            titles.facts.append(facts)
    else:
        _read_translation(titles, number, row)


def _read_translation(titles: TitleFile, number: int, row: dict[str, Any]) -> None:
    own = bool(row.keys() & _OWN_TITLES)
    values = what_is_said(
        {
            "title_korean": text(row.get("title_korean")),
            "title_chinese": text(row.get("title_chinese" if own else "title")),
            "synonyms_chinese": texts(row.get("synonyms_chinese" if own else "synonyms")),
        }
    )
    if not values and not any(isinstance(row.get(name), str) for name in ("title", *_OWN_TITLES)):
        titles.reject(number, "no title")
        return
    titles.formats["translated titles" if own else "anilist-chinese"] += 1
    if values:
        titles.facts.append(TitleFacts(row["id"], values))
    else:
        titles.without_title += 1


def _read_offline_database(titles: TitleFile, number: int, row: dict[str, Any]) -> None:
    anilist_ids = _ids(_ANILIST_URL, row["sources"])
    mal_ids = _ids(_MAL_URL, row["sources"])
    begun = row["animeSeason"] if isinstance(row.get("animeSeason"), dict) else {}
    year = whole_number(begun.get("year"), YEARS)
    values = what_is_said(
        {
            "title_romaji": text(row.get("title")),
            "synonyms": texts(row.get("synonyms")),
            "season": choice(begun.get("season"), AnimeSeason) if year else "",
            "season_year": year,
            "format": choice(row.get("type"), AnimeFormat),
            "episodes": whole_number(row.get("episodes"), range(1, MAX_ID + 1)),
            "cover_url": https_url(row.get("picture")),
            # A merged row does not tell which of several numbers belong together.
            "mal_id": mal_ids[0] if len(mal_ids) == len(anilist_ids) == 1 else None,
        }
    )
    if "title_romaji" not in values:
        titles.reject(number, "no title")
        return
    titles.formats["anime-offline-database"] += 1
    titles.without_id += not anilist_ids
    titles.facts.extend(TitleFacts(anilist_id, values, fills_gaps=True) for anilist_id in anilist_ids)


def _ids(pattern: re.Pattern[str], sources: list[Any]) -> list[int]:
    matches = (pattern.fullmatch(source) for source in sources if isinstance(source, str))
    numbers = (int(match[1]) for match in matches if match)
    return list(dict.fromkeys(number for number in numbers if number <= MAX_ID))
