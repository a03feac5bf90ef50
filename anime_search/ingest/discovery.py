"""Which files an operator's paths name, and what has changed since they were last seen."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from anime_search.engine.stamp import FileStamp

_SUFFIXES = (
    "3g2 3gp amv asf avi divx dv f4v flv gif ivf m2ts m2v m4v mj2 mkv mov mp4 mpe mpeg mpg mts mxf nut ogm ogv qt "
    "rm rmvb ts vob webm wmv wtv y4m"
)
#: Names under which videos are looked for in folders; a file that is named itself is always tried.
VIDEO_SUFFIXES = frozenset(f".{suffix}" for suffix in _SUFFIXES.split())
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
    """Walk files and folders in a stable order, each file once.

    Links to folders are not followed, so a loop has an end; a path that is given may itself be a link.
    """
    # Path.resolve() would follow the links in them, and Path.absolute() leaves a "..", which has other keys.
    starts = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100
    for number, start in enumerate(starts):
        if any(other in start.parents for other in starts) or start in starts[:number]:
            continue
        try:
            inside = start.is_dir()
        except OSError as error:
            yield UnusablePath(_shown(start), error.strerror or "cannot be read")
            continue
        if inside:
            yield from _walk(start)
        else:
            yield _found(start, start.parent)


def _walk(root: Path) -> Iterator[FoundFile | UnusablePath]:
    unreadable: list[UnusablePath] = []

    def note(error: OSError) -> None:
        unreadable.append(UnusablePath(_shown(error.filename), error.strerror or "cannot be read"))

    for folder, folders, names in os.walk(root, onerror=note):
        folders[:] = sorted(name for name in folders if not name.startswith(_SKIPPED_PREFIXES))
        for name in sorted(names):
            path = Path(folder, name)
            if path.suffix.lower() in VIDEO_SUFFIXES and not name.startswith(_SKIPPED_PREFIXES):
                yield _found(path, root)
    yield from unreadable


def _found(path: Path, root: Path) -> FoundFile | UnusablePath:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return UnusablePath(_shown(path), "its name is not valid UTF-8")
    try:
        if path.exists() and not path.is_file():
            return UnusablePath(str(path), "is no ordinary file")
        return FoundFile(path, root, FileStamp.of(path))
    except OSError as error:
        return UnusablePath(str(path), error.strerror or "cannot be read")


def _shown(path: str | Path) -> str:
    """A path with the bytes that are not UTF-8 spelled out."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def path_key(path: Path | str) -> str:
    """The key under which a path is stored: paths are longer than a database indexes."""
    return hashlib.sha256(str(path).encode()).hexdigest()
