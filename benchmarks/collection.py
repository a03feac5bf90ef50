"""A folder of clips and stills in groups of near-duplicates, parted once and for all."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from anime_search.ingest.discovery import VIDEO_SUFFIXES
from benchmarks.clips import STILL_SUFFIXES


class Part(StrEnum):
    """What a group is for; the third part is only measured on (``benchmarks/retrieval.py``), never fitted on."""

    FIT = "fit"
    CHECK = "check"
    UNTOUCHED = "untouched"


@dataclass(frozen=True, slots=True)
class Item:
    """One file: a clip or a still, and the group of near-duplicates it belongs to."""

    path: Path
    group: str

    @property
    def is_still(self) -> bool:
        return self.path.suffix.lower() in STILL_SUFFIXES

    @property
    def part(self) -> Part:
        """Half of the groups to fit on, a quarter to check with, a quarter untouched; by the group's name."""
        share = int.from_bytes(hashlib.sha256(self.group.encode()).digest()[:4]) / 2**32
        return Part.FIT if share < 0.5 else Part.CHECK if share < 0.75 else Part.UNTOUCHED


def read_collection(folder: Path) -> Iterator[Item]:
    """The files of a folder laid out as ``{group}/file``, in a stable order.

    A ``manifest.csv`` with the columns ``file`` and ``group`` says otherwise for the files that it lists.
    """
    groups: dict[str, str] = {}
    if (manifest := folder / "manifest.csv").is_file():
        with manifest.open(newline="") as lines:
            groups = {row["file"]: row["group"] for row in csv.DictReader(lines)}
    for path in sorted(folder.glob("*/*")):
        if path.suffix.lower() in VIDEO_SUFFIXES | STILL_SUFFIXES:
            name = path.relative_to(folder).as_posix()
            yield Item(path, groups.get(name, path.parent.name))
