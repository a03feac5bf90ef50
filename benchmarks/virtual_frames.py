"""Virtual frames beside the real ones of a retrieval test: described as ingest does, made once, and drawn again on request."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from anime_search.engine.bundle import SHIPPED, BundleManifest, descriptor_named
from anime_search.engine.descriptor import DctDescriptor, Descriptor, Vectors
from anime_search.engine.index.segment import VideoFrames
from anime_search.engine.thumbnails import encode_thumbnail
from benchmarks.clips import Picture, at_most, frames_of, read_still
from benchmarks.report import say
from benchmarks.virtual import VirtualFilm, make_films

#: Runs of frames of a film: about those of a television episode.
FILM_RUNS = 10_000
#: Real pictures that virtual shots are composed of, at most, and their longest side.
_BASES, _BASE_SIDE = 800, 320
_SEED = 20261123
#: Drawn pictures that are kept, in bytes of JPEG some 7 KB each.
_KEPT_PICTURES = 20_000


class NamedDescriptor:
    """A descriptor that can be sent to another process, where it is loaded anew.

    Args:
        name: of one of the known descriptors.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.dim = descriptor_named(name).dim

    def describe(self, pictures: Picture) -> Vectors:
        """See :meth:`.descriptor.Descriptor.describe`."""
        return descriptor_named(self.name).describe(pictures)


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """A virtual film as it is indexed; ``places`` are the shot and the sample of each run, (N, 2)."""

    frames: VideoFrames
    places: NDArray[np.int32]


class VirtualPictures:
    """Reads the pictures of virtual runs as :class:`~.thumbnails.ThumbnailReader` reads those of real ones.

    They are not stored, for a million take 7 GB: each is drawn again when it is asked for, and goes through JPEG
    as a stored one does.

    Attributes:
        drawing_s: seconds that drawing and encoding took so far, which no stored picture would have cost.
    """

    def __init__(self, film: VirtualFilm, films: Sequence[Film]) -> None:
        self._film = film
        self._films = {each.frames.video: (number, each) for number, each in enumerate(films)}
        self._jpeg: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self.drawing_s = 0.0

    def __contains__(self, video: str) -> bool:
        return video in self._films

    def __call__(self, video: str, from_ms: int) -> Picture | None:
        """(144, 256, 3) RGB of the run that begins at a time; None where none does."""
        jpeg = self._jpeg.get((video, from_ms))
        if jpeg is None:
            started = time.perf_counter()
            jpeg = self._drawn(video, from_ms)
            self.drawing_s += time.perf_counter() - started
            if jpeg is None:
                return None
            self._jpeg[video, from_ms] = jpeg
            if len(self._jpeg) > _KEPT_PICTURES:
                self._jpeg.popitem(last=False)
        return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB), np.uint8)

    def _drawn(self, video: str, from_ms: int) -> bytes | None:
        if video not in self._films:
            return None
        number, film = self._films[video]
        times = film.frames.times_ms[0]
        at = int(np.searchsorted(times, from_ms))
        if at == len(times) or times[at] != from_ms:
            return None
        shot, sample = (int(value) for value in film.places[at])
        return encode_thumbnail(self._film.shot(number, shot).picture(sample))


def pictures_of(videos: Sequence[Path], stills: Sequence[Path]) -> list[Picture]:
    """Real pictures to compose from: frames of all videos, evenly, and stills."""
    chosen = [at_most(read_still(path), _BASE_SIDE) for path in stills[: _BASES // 2 if videos else _BASES]]
    each = max(1, (_BASES - len(chosen)) // max(1, len(videos)))
    for path in videos:
        frames = [rgb for _time_s, rgb in frames_of(path, most=1500, side=_BASE_SIDE)]
        chosen += frames[:: max(1, len(frames) // each)][:each]
    if not chosen:
        raise SystemExit("there is no picture to compose virtual frames of")
    return chosen


def virtual_film(pictures: Sequence[Picture], descriptor: Descriptor) -> VirtualFilm:
    """Films whose runs are found by the DCT and described by ``descriptor``, as ingest does."""
    return VirtualFilm(pictures, _SEED, NamedDescriptor(descriptor.name), cut_by=DctDescriptor())


def make_virtual_frames(
    film: VirtualFilm, pictures: Sequence[Picture], descriptor: str, count: int, keep: Path
) -> list[Film]:
    """Films of ``count`` runs in all; what lies in the folder ``keep`` is read and the rest made, on all cores."""
    folder = keep / films_digest(pictures, descriptor)[:16]
    folder.mkdir(parents=True, exist_ok=True)
    orders = [(n, min(FILM_RUNS, count - n * FILM_RUNS)) for n in range(-(-count // FILM_RUNS))]
    missing = [order for order in orders if not _file(folder, order).is_file()]
    for order, (frames, places) in zip(missing, make_films(film, missing), strict=True):
        path = _file(folder, order)
        with path.with_suffix(".part").open("wb") as file:
            np.savez(file, vectors=frames.vectors, times_ms=frames.times_ms, places=places)
        path.with_suffix(".part").replace(path)
        say(f"virtual film {order[0] + 1} of {len(orders)} made")
    return list(_read(folder, orders))


def _read(folder: Path, orders: Sequence[tuple[int, int]]) -> Iterator[Film]:
    for order in orders:
        with np.load(_file(folder, order)) as arrays:
            frames = VideoFrames(f"{order[0]:064x}", arrays["vectors"], arrays["times_ms"])
            yield Film(frames, arrays["places"])


def _file(folder: Path, order: tuple[int, int]) -> Path:
    return folder / f"{order[0]}-{order[1]}.npz"


def films_digest(pictures: Sequence[Picture], descriptor: str) -> str:
    """Changes with all that virtual films depend on: their pictures, the seed, and the network's very bytes."""
    digest = hashlib.sha256(f"{_SEED} {FILM_RUNS} {descriptor}".encode())
    if descriptor != DctDescriptor.name:
        digest.update(BundleManifest.read(SHIPPED / descriptor).network.sha256.encode())
    for picture in pictures:
        digest.update(np.ascontiguousarray(picture).tobytes())
    return digest.hexdigest()
