"""Real footage of one's own, made part of a collection to fit to: what a plan lists, normalised as all clips are."""

from __future__ import annotations

import csv
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath

from deepfake.training.clips import TRAIN
from deepfake.training.copies import write_video
from deepfake.training.normalising import CRF, Footage, FootageError, from_photo, from_video

#: Columns of a plan.
PLAN = ("file", "kind", "source", "page", "licence")
#: Columns of a collection's manifest.
MANIFEST = (
    "file",
    "label",
    "generator",
    "family",
    "style",
    "split",
    "repo",
    "path",
    "commit",
    "sha256",
    "width",
    "height",
    "fps",
    "seconds",
    "codec",
    "kbps",
    "audio",
)
_SOURCE = re.compile(r"[a-z0-9][a-z0-9_]{0,63}")
#: Hexadecimal digits of the SHA-256 that a clip is named by.
_NAME_DIGITS = 16

Row = dict[str, str]


class Kind(StrEnum):
    """What a file of a plan is."""

    VIDEO = "video"
    PHOTO = "photo"


@dataclass(frozen=True, slots=True)
class Planned:
    """One line of a plan.

    Attributes:
        file: path inside the folder of the media.
        source: who or what filmed it: one camera, one person, one publication. Sources are weighted alike.
        page: where it was published, or another name of what it belongs with; folds share no page.
        licence: by which it may be used to fit to.
    """

    file: str
    kind: Kind
    source: str
    page: str
    licence: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a plan.

    Attributes:
        clips: that were made, by source.
        known: files that the collection had before.
        refused: files that nothing was made of, with the reason.
    """

    clips: Mapping[str, int]
    known: int
    refused: Mapping[str, str]


def read_plan(path: Path) -> list[Planned]:
    """Read a plan.

    Raises:
        FootageError: it cannot be read, lacks a column, or a line of it is wrong.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            if missing := [name for name in PLAN if name not in (reader.fieldnames or ())]:
                raise FootageError(f"{path} has no column {missing[0]}")
            plan = [_planned(row, f"{path}, line {reader.line_num}") for row in reader]
    except OSError as error:
        raise FootageError(f"{path} cannot be read") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise FootageError(f"{path} is not CSV") from error
    if not plan:
        raise FootageError(f"{path} lists nothing")
    return plan


def add_footage(
    plan: Sequence[Planned],
    *,
    media: Path,
    collection: Path,
    pieces: int,
    on_done: Callable[[int, int], None] = lambda _done, _all: None,
) -> Outcome:
    """Make clips of what a plan lists, and add them to a collection, which is begun if there is none.

    The manifest is written after each file: after a kill, the same call goes on.

    Args:
        media: folder that the plan's files lie in.
        pieces: of one video at most.

    Raises:
        FootageError: the collection's manifest cannot be used, or a source or page of the plan is one that the
            collection judges by.
    """
    columns, rows = _read_manifest(collection / "manifest.csv")
    _keep_apart(plan, rows)
    had = {row["sha256"] for row in rows}
    made: dict[str, int] = {}
    refused: dict[str, str] = {}
    known = 0
    for number, planned in enumerate(plan):
        try:
            sha256 = _sha256(media / planned.file)
            if sha256 in had:
                known += 1
            else:
                new = _make(planned, media / planned.file, sha256, collection, pieces)
                rows += new
                had.add(sha256)
                _write_manifest(collection / "manifest.csv", columns, rows)
                made[planned.source] = made.get(planned.source, 0) + len(new)
        except FootageError as error:
            refused[planned.file] = str(error)
        on_done(number + 1, len(plan))
    return Outcome(made, known, refused)


def _planned(row: Mapping[str, str | None], where: str) -> Planned:
    given = {name: (row[name] or "").strip() for name in PLAN}
    if empty := [name for name, value in given.items() if not value]:
        raise FootageError(f"{where}: {empty[0]} is empty")
    if given["kind"] not in set(Kind):
        raise FootageError(f"{where}: kind is neither video nor photo")
    if not _SOURCE.fullmatch(given["source"]):
        raise FootageError(f"{where}: a source is named by small letters, digits and _")
    file = PurePosixPath(given["file"])
    if file.is_absolute() or ".." in file.parts:
        raise FootageError(f"{where}: file is not a path inside the folder of the media")
    return Planned(str(file), Kind(given["kind"]), given["source"], given["page"], given["licence"])


def _keep_apart(plan: Iterable[Planned], rows: Iterable[Row]) -> None:
    """Refuse what would be fitted to and judged by at once, and a source of both labels."""
    rows = list(rows)
    judging = {row["generator"] for row in rows if row["split"] != TRAIN}
    generators = {row["generator"] for row in rows if row["label"] != "real"}
    pages = {row["repo"] for row in rows if row["split"] != TRAIN}
    for planned in plan:
        if planned.source in judging:
            raise FootageError(
                f"{planned.source} is a source that the collection judges by; it is not fitted to"
            )
        if planned.source in generators:
            raise FootageError(f"{planned.source} is a generator in the collection")
        if planned.page in pages:
            raise FootageError(f"{planned.page} is a page that the collection judges by; it is not fitted to")


def _make(planned: Planned, path: Path, sha256: str, collection: Path, pieces: int) -> list[Row]:
    """Write the clips of a file; their rows."""
    if planned.kind is Kind.VIDEO:
        footage, family = from_video(path, pieces=pieces), "real_web"
    else:
        footage, family = from_photo(path, name=sha256), "real_photo"
    rows = []
    for number, clip in enumerate(footage.clips):
        piece = f"_{number}" if number else ""
        name = f"real/{planned.source}/{sha256[:_NAME_DIGITS]}{piece}.mp4"
        target = collection / name
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(f".{os.getpid()}.part")
        write_video(partial, clip, crf=CRF)
        partial.replace(target)
        rows.append(_row(planned, footage, name, family, sha256, path.stat().st_size))
    return rows


def _row(planned: Planned, footage: Footage, name: str, family: str, sha256: str, size: int) -> Row:
    moving = footage.seconds > 0
    return {
        "file": name,
        "label": "real",
        "generator": planned.source,
        "family": family,
        "style": "photo",
        "split": TRAIN,
        "repo": planned.page,
        "path": planned.file,
        "commit": "",
        "sha256": sha256,
        "width": str(footage.width),
        "height": str(footage.height),
        "fps": str(footage.fps) if moving else "",
        "seconds": str(footage.seconds) if moving else "",
        "codec": footage.codec,
        "kbps": str(round(size * 8 / 1000 / footage.seconds)) if moving else "",
        "audio": str(int(footage.audio)),
    }


def _read_manifest(path: Path) -> tuple[Sequence[str], list[Row]]:
    if not path.exists():
        return MANIFEST, []
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            reader = csv.DictReader(lines)
            rows, columns = list(reader), list(reader.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FootageError(f"{path} cannot be read") from error
    if missing := [name for name in ("label", "generator", "split", "repo", "sha256") if name not in columns]:
        raise FootageError(f"{path} has no column {missing[0]}")
    return columns, rows


def _write_manifest(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    partial = path.with_suffix(f".{os.getpid()}.part")
    with partial.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    partial.replace(path)


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FootageError("cannot be read") from error
