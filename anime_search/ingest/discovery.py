"""Which files an operator's paths name, and what has changed since they were last seen."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from anime_search.engine.work import FileStamp

#: Names under which videos are looked for in folders; a file that is named itself is always tried.
VIDEO_SUFFIXES = frozenset(
    [
        ".3g2",
        ".3gp",
        ".amv",
        ".asf",
        ".avi",
        ".divx",
        ".dv",
        ".f4v",
        ".flv",
        ".gif",
        ".ivf",
        ".m2ts",
        ".m2v",
        ".m4v",
        ".mj2",
        ".mkv",
        ".mov",
        ".mp4",
        ".mpe",
        ".mpeg",
        ".mpg",
        ".mts",
        ".mxf",
        ".nut",
        ".ogm",
        ".ogv",
        ".qt",
        ".rm",
        ".rmvb",
        ".ts",
        ".vob",
        ".webm",
        ".wmv",
        ".wtv",
        ".y4m",
    ]
)
#: Unfinished downloads and hidden files.
_SKIPPED_PREFIXES = (".", "~")


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file as it was found: its absolute path, the folder it was looked for in, and its stamp."""

    path: Path
    root: Path
    stamp: FileStamp


@dataclass(frozen=True, slots=True)
class UnusablePath:
    """A path that cannot even be looked at, and why, for the operator."""

    path: str
    reason: str


def find_files(paths: Iterable[Path]) -> Iterator[FoundFile | UnusablePath]:
    """Walk files and folders in a stable order. Links to folders are not followed, so a loop has an end."""
    for start in (Path(os.path.abspath(path)) for path in paths):  # noqa: PTH100 - links stay as they are named
        if start.is_dir():
            yield from _walk(start)
        else:
            yield _found(start, start.parent)


def _walk(root: Path) -> Iterator[FoundFile | UnusablePath]:
    unreadable: list[UnusablePath] = []

    def note(error: OSError) -> None:
        unreadable.append(UnusablePath(str(error.filename), error.strerror or "cannot be read"))

    for folder, folders, names in os.walk(root, onerror=note):
        folders[:] = sorted(name for name in folders if not name.startswith(_SKIPPED_PREFIXES))
        for name in sorted(names):
            if Path(name).suffix.lower() in VIDEO_SUFFIXES and not name.startswith(_SKIPPED_PREFIXES):
                yield _found(Path(folder, name), root)
    yield from unreadable


def _found(path: Path, root: Path) -> FoundFile | UnusablePath:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return UnusablePath(
            os.fsencode(path).decode("utf-8", "backslashreplace"), "its name is not valid UTF-8"
        )
    try:
        stamp = FileStamp.of(path)
    except OSError as error:
        return UnusablePath(str(path), error.strerror or "cannot be read")
    if not path.is_file():
        return UnusablePath(str(path), "is no ordinary file")
    return FoundFile(path, root, stamp)


def path_key(path: Path | str) -> str:
    """The key under which a path is stored: paths are longer than a database indexes."""
    return hashlib.sha256(str(path).encode()).hexdigest()
