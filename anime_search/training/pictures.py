"""Pictures to fit on: distinct frames of clips, and stills, with what is known of where they are from."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from anime_search.ingest.discovery import VIDEO_SUFFIXES
from anime_search.training.splitting import is_fitted_on

Picture = NDArray[np.uint8]

#: Width and height that pictures are kept at: half as large again as a frame of the index, as room for crops.
WIDTH, HEIGHT = 384, 216
STILL_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
MANIFEST = "manifest.csv"
#: Frames of a clip that are kept at most, and how far each is from the one kept before it: the mean difference of
#: all pixels and channels, in 256 steps, at 48x27.
MOST_FRAMES, DISTINCT = 12, 12.0
#: The same between the first and the last frame of a general clip; below it, the middle frame stands for both.
GENERAL_DISTINCT = 15.0
#: ``show`` of a picture that is not drawn.
NO_SHOW = -1
UNSTATED = "not stated in the manifest"
_TERMS_COLUMNS = ("terms", "licence", "license")


class PicturesError(Exception):
    """A folder holds nothing to fit on, or a file of it cannot be read."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where pictures are from: the manifest's ``repo``, its terms as the manifest says them, and how many."""

    name: str
    terms: str
    pictures: int


@dataclass(frozen=True, slots=True, eq=False)
class TrainingPictures:
    """All pictures to fit on.

    Attributes:
        pixels: (N, 216, 384, 3) uint8 RGB.
        kin: (N,) pictures of one number show the same thing, and are never told apart.
        shows: (N,) drawn pictures of one number are drawn alike: the hard cases. ``NO_SHOW`` for general pictures.
        sources: in the order of their names.
    """

    pixels: Picture
    kin: NDArray[np.int64]
    shows: NDArray[np.int64]
    sources: tuple[Source, ...]

    def __len__(self) -> int:
        return len(self.pixels)

    def digest(self) -> str:
        """SHA-256 (hex) of the pictures and their numbers: what a resumed run must find again."""
        digest = hashlib.sha256(np.ascontiguousarray(self.pixels).data)
        digest.update(self.kin.tobytes())
        digest.update(self.shows.tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class _Item:
    path: Path
    kin: str
    show: str | None
    source: str
    terms: str


def read_pictures(folder: Path, general: Path | None = None) -> TrainingPictures:
    """Read the pictures of one or two folders, in a stable order.

    Args:
        folder: of drawn clips and stills, laid out as ``{group}/file``. Its ``manifest.csv`` may say ``group``,
            ``repo``, ``path``, ``sha256`` and terms of the files that it lists. Only groups that
            :func:`.splitting.is_fitted_on` picks are read.
        general: of clips that a ``manifest.csv`` lists; those whose ``split`` is ``train`` are read. A clip that
            ``folder`` lists too, in any of its parts, is left out: it is measured on there, or there already.

    Raises:
        PicturesError: a folder holds nothing to fit on, or a file cannot be read.
    """
    listed = _manifest(folder)
    kept: list[tuple[Picture, _Item]] = []
    for item in _drawn_items(folder, listed):
        kept += [(rgb, item) for rgb in _pictures_of(item.path)]
    if not kept:
        raise PicturesError(f"nothing to fit on in {folder}")
    if general is not None:
        drawn = len(kept)
        for item in _general_items(general, {row["sha256"] for row in listed.values() if row.get("sha256")}):
            kept += [(rgb, item) for rgb in _ends(_frames(item.path))]
        if len(kept) == drawn:
            raise PicturesError(f"nothing to fit on in {general}")
    return TrainingPictures(
        pixels=np.stack([rgb for rgb, _item in kept]),
        kin=_numbered([item.kin for _rgb, item in kept]),
        shows=_numbered([item.show for _rgb, item in kept]),
        sources=_sources(item for _rgb, item in kept),
    )


def distinct_frames(frames: Iterable[Picture]) -> Iterator[Picture]:
    """The first frame, and each that differs enough from the one taken before it; ``MOST_FRAMES`` at most."""
    last: NDArray[np.float32] | None = None
    taken = 0
    for frame in frames:
        small = np.asarray(cv2.resize(frame, (48, 27), interpolation=cv2.INTER_AREA), np.float32)
        if last is not None and np.abs(small - last).mean() < DISTINCT:
            continue
        yield frame
        last = small
        taken += 1
        if taken == MOST_FRAMES:
            return


def _drawn_items(folder: Path, listed: dict[str, dict[str, str]]) -> Iterator[_Item]:
    # A show is the folder that a group's clips were published in; a still is of no known show.
    shows = {
        row["group"]: f"{row.get('repo', '')}/{row.get('path', '').rpartition('/')[0]}"
        for row in listed.values()
        if row.get("group")
    }
    for path in sorted(folder.glob("*/*")):
        suffix = path.suffix.lower()
        if suffix not in VIDEO_SUFFIXES | STILL_SUFFIXES:
            continue
        name = path.relative_to(folder).as_posix()
        row = listed.get(name, {})
        group = row.get("group") or path.parent.name
        if not is_fitted_on(group):
            continue
        show = shows.get(group, group) if suffix in VIDEO_SUFFIXES else group
        kin = group if row.get("group") or suffix in STILL_SUFFIXES else name
        yield _Item(path, kin, show, row.get("repo") or folder.name, _terms(row))


def _general_items(folder: Path, known: set[str]) -> Iterator[_Item]:
    for name, row in sorted(_manifest(folder).items()):
        if row.get("split") == "train" and row.get("sha256") not in known:
            yield _Item(folder / name, f"general {name}", None, row.get("repo") or folder.name, _terms(row))


def _manifest(folder: Path) -> dict[str, dict[str, str]]:
    """Rows of a folder's manifest by the file they speak of; none without a manifest."""
    path = folder / MANIFEST
    if not path.is_file():
        return {}
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            return {row["file"]: row for row in csv.DictReader(lines)}
    except (KeyError, ValueError, csv.Error) as error:
        raise PicturesError(f"{path.name} of {folder} is no manifest: {error}") from error


def _terms(row: dict[str, str]) -> str:
    return next((row[column] for column in _TERMS_COLUMNS if row.get(column)), UNSTATED)


def _pictures_of(path: Path) -> Iterator[Picture]:
    if path.suffix.lower() in VIDEO_SUFFIXES:
        yield from distinct_frames(_frames(path))
        return
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise PicturesError(f"{path} is no picture")
    yield _reduced(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))


def _frames(path: Path) -> Iterator[Picture]:
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            for frame in container.decode(stream):
                yield _reduced(frame.to_ndarray(format="rgb24"))
    except (av.error.FFmpegError, OSError, IndexError) as error:
        raise PicturesError(f"{path} cannot be read: {error}") from error


def _reduced(rgb: NDArray[np.integer | np.floating]) -> Picture:
    return np.asarray(cv2.resize(rgb, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)


def _ends(frames: Iterable[Picture]) -> list[Picture]:
    """First and last frame, or the middle one where those are alike: general clips are short, and many."""
    every = list(frames)
    if not every:
        return []
    apart = np.abs(every[0].astype(np.float32) - every[-1]).mean()
    return [every[0], every[-1]] if apart > GENERAL_DISTINCT else [every[len(every) // 2]]


def _numbered(names: list[str | None]) -> NDArray[np.int64]:
    known = sorted({name for name in names if name is not None})
    numbers = {name: number for number, name in enumerate(known)}
    return np.array([NO_SHOW if name is None else numbers[name] for name in names], np.int64)


def _sources(items: Iterable[_Item]) -> tuple[Source, ...]:
    counted = Counter((item.source, item.terms) for item in items)
    return tuple(Source(name, terms, count) for (name, terms), count in sorted(counted.items()))
