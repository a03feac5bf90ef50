"""Title, season, episode and kind of a video, read off its path.

Works on names as fansub groups, scene releases, media servers and Japanese, Chinese and Korean recorders
write them. What the file's own name leaves open is taken from the folders above it. Nothing is looked up: the
result is a guess, except for the AniList id of a library laid out as ``{anilist_id}/file.ext``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from anime_search.engine.episode_name import NameReading, read_name
from anime_search.engine.episode_rules import MAX_NAME_CHARS, VIDEO_EXTENSION, VideoKind, fold, legible

__all__ = ["ParsedPath", "VideoKind", "current_episode", "legacy_episode", "parse_path"]

_ID = r"([1-9][0-9]{0,6})"
_ANILIST_FOLDER = re.compile(rf"{_ID}|\[{_ID}\]|[\[{{]?anilist[-= ]{_ID}[\]}}]?", re.IGNORECASE)
_MAX_FOLDERS_READ: Final = 4  # file, season folder, title folder: what lies further up is the library
_MAX_FOLDERS_SEARCHED: Final = 64
_MAX_ID_FOLDER_CHARS: Final = len("{anilist-1234567}")
_UNTITLED: Final = "untitled"


@dataclass(frozen=True, slots=True)
class ParsedPath:
    """What a video's path says about it. Text is in NFC, without control characters or lone surrogates."""

    title: str
    """Best guess, never empty."""
    season: int | None
    episode: float | None
    """First (or only) episode number, or the number within the kind ("OVA 2", "NCOP1"); 12.5 exists."""
    episode_end: float | None
    """Last number of a range, always greater than `episode`."""
    absolute_episode: float | None
    """Number counted through all seasons, where the name gives two: "S02E05 (30)", "11(10)"."""
    kind: VideoKind
    """EPISODE as soon as there is a number and no word for another kind; UNKNOWN with neither."""
    version: int | None
    release_group: str | None
    anilist_id: int | None
    """From the nearest folder named by 1 to 7 digits, "[12345]", "anilist-12345" or "{anilist-12345}"."""
    year: int | None


def parse_path(path: PurePath | str, root: PurePath | None = None) -> ParsedPath:
    """Read a video's path.

    With `root`, only folders below it count; a path outside of it has no folders. A relative path is taken as
    relative to an absolute `root`. A slash always separates folders: a file name holds a title such as "22/7"
    with another character (U+FF0F, "-", "_"). Names are cut to 255 characters first, so that the time for a
    path is linear in its length. Never raises for any string.
    """
    folders, name = _split(PurePath(path), root)
    stem = VIDEO_EXTENSION.sub("", name[:MAX_NAME_CHARS])
    file = read_name(stem)
    above = _read_folders(folders)
    title = file.title or (above.work.title if above.work is not None else "")
    work = above.work if above.work is not None and above.work.title.casefold() == title.casefold() else None
    kind = file.kind or above.kind or (work.kind if work is not None else None)
    if kind is None:
        kind = VideoKind.EPISODE if file.episode is not None else VideoKind.UNKNOWN
    seasons = (file.season, above.season, work.season if work is not None else None)
    return ParsedPath(
        title=title or _first_legible([*folders[-1:], file.tail, stem, name]) or _UNTITLED,
        season=next((season for season in seasons if season is not None), None),
        episode=file.episode,
        episode_end=file.episode_end,
        absolute_episode=file.absolute_episode,
        kind=kind,
        version=file.version,
        release_group=file.release_group or (work.release_group if work is not None else None),
        anilist_id=_anilist_id(folders),
        year=file.year or (work.year if work is not None else None),
    )


def legacy_episode(parsed: ParsedPath) -> int | float | str:
    """Return the `episode` field of trace.moe's first API: a number, "OVA/OAD", "Special" or "".

    A range gives its first number. As in that service, a preview is a "Special". The number of an opening or
    ending counts no episodes and gives "".
    """
    if parsed.kind is VideoKind.OVA:
        return "OVA/OAD"
    if parsed.kind in (VideoKind.SPECIAL, VideoKind.PREVIEW):
        return "Special"
    if parsed.episode is None or parsed.kind in (VideoKind.OPENING, VideoKind.ENDING):
        return ""
    return _whole(parsed.episode)


def current_episode(parsed: ParsedPath) -> int | float | str | list[int | float] | None:
    """Return the `episode` field of today's trace.moe.

    A number, ``[first, last]`` of a range, "10|11" where a name gives two numbers, or None. The number of an
    opening or ending counts no episodes and gives None.
    """
    if parsed.episode is None or parsed.kind in (VideoKind.OPENING, VideoKind.ENDING):
        return None
    if parsed.episode_end is not None:
        return [_whole(parsed.episode), _whole(parsed.episode_end)]
    if parsed.absolute_episode is not None:
        return f"{_whole(parsed.episode)}|{_whole(parsed.absolute_episode)}"
    return _whole(parsed.episode)


def _whole(number: float) -> int | float:
    return int(number) if number.is_integer() else number


def _split(path: PurePath, root: PurePath | None) -> tuple[tuple[str, ...], str]:
    """Return the folders that count, outermost first, and the file's name."""
    is_outside = False
    if root is not None:
        try:
            path = path.relative_to(root)
        except ValueError:
            is_outside = path.is_absolute() or not root.is_absolute()
    parts = tuple(part for part in path.parts if part not in (path.anchor, ".."))
    return (() if is_outside else parts[:-1]), parts[-1] if parts else ""


def _first_legible(names: Iterable[str]) -> str:
    return next(filter(None, (legible(name).strip() for name in names)), "")


@dataclass(frozen=True, slots=True)
class _Folders:
    """What the folders say: `work` is read off the one named after the work, the rest off those below it."""

    work: NameReading | None = None
    season: int | None = None
    kind: VideoKind | None = None


def _read_folders(folders: Sequence[str]) -> _Folders:
    season: int | None = None
    kind: VideoKind | None = None
    for folder in reversed(folders[-_MAX_FOLDERS_READ:]):
        if _anilist_id([folder]) is not None:
            break
        reading = read_name(folder, is_folder=True)
        if reading.title:
            return _Folders(reading, season, kind)
        season = reading.season if season is None else season
        kind = kind or reading.kind
    return _Folders(None, season, kind)


def _anilist_id(folders: Sequence[str]) -> int | None:
    for folder in reversed(folders[-_MAX_FOLDERS_SEARCHED:]):
        if len(folder) <= _MAX_ID_FOLDER_CHARS:
            found = _ANILIST_FOLDER.fullmatch(fold(legible(folder)))
            if found is not None:
                return int(next(filter(None, found.groups())))
    return None
