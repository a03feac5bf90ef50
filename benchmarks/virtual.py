"""Virtual video: shots composed of real pictures, as many as are asked for, to fill an index with.

An index of a million frames needs some thirty hours of video. What a search in it costs, and what the
approximate index misses, depends on how its vectors lie: in strings of near neighbours (the frames of a shot),
with other strings near them. So each virtual shot is a new picture, composed of parts of one to three real ones
in other colours, which a camera moves over; its frames go through the same descriptor, and the same merging of
equal frames, as those of a decoded video.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import cv2
import numpy as np
from numpy.typing import NDArray

from anime_search.engine.descriptor import DctDescriptor, Descriptor
from anime_search.engine.index.segment import VideoFrames
from anime_search.engine.runs import SAME_FRAME
from benchmarks.clips import Picture
from video.reader import FRAME_HEIGHT, FRAME_WIDTH

#: A canvas is a quarter larger than a frame: the camera sees 70 to 100 % of it.
_CANVAS = (320, 180)
#: What describes a film's frames where nothing else is asked for.
_USUAL = DctDescriptor()
#: Samples a second, as ingest takes them.
RATE_HZ = 12.0


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A canvas and the way of a camera over it, in so many samples of the time grid.

    Attributes:
        bases: positions of the real pictures that it is composed of.
    """

    canvas: Picture
    first: NDArray[np.float64]
    last: NDArray[np.float64]
    samples: int
    bases: tuple[int, ...]

    def picture(self, sample: float) -> Picture:
        """What the camera sees at a sample, or between two; (144, 256, 3)."""
        share, across, down = self.first + (self.last - self.first) * sample / self.samples
        width, height = round(share * _CANVAS[0]), round(share * _CANVAS[1])
        left, top = round(across * (_CANVAS[0] - width)), round(down * (_CANVAS[1] - height))
        seen = self.canvas[top : top + height, left : left + width]
        drawn = cv2.resize(seen, (FRAME_WIDTH, FRAME_HEIGHT), interpolation=cv2.INTER_LINEAR)
        return np.asarray(drawn, np.uint8)


class VirtualFilm:
    """Films out of real pictures. The same seed and the same pictures give the same films.

    Args:
        bases: (H, W, 3) RGB pictures of any size.
        descriptor: what its frames are described by.
        cut_by: what its runs of equal frames are found by, as in a video; ``descriptor`` if none.
    """

    def __init__(
        self,
        bases: Sequence[Picture],
        seed: int,
        descriptor: Descriptor = _USUAL,
        *,
        cut_by: Descriptor | None = None,
    ) -> None:
        self._bases = bases
        self._seed = seed
        self._descriptor = descriptor
        self._cut_by = cut_by

    def shot(self, film: int, number: int) -> Shot:
        """One shot of one film."""
        random = np.random.default_rng((self._seed, film, number))
        used = [int(random.integers(len(self._bases)))]
        canvas = self._graded(self._part(used[0], random), random)
        for _layer in range(int(random.choice([0, 1, 2], p=[0.25, 0.5, 0.25]))):
            used.append(int(random.integers(len(self._bases))))
            layer = self._graded(self._part(used[-1], random), random)
            mask = _mask(random)
            canvas = np.asarray(cv2.blendLinear(layer, canvas, mask, 1 - mask), np.uint8)
        first = np.array([random.uniform(0.7, 1.0), random.random(), random.random()])
        way = np.array([random.uniform(0.7, 1.0), random.random(), random.random()]) - first
        # The whole way takes a third of a second to three: neighbours are then about as like as in real video.
        samples = round(RATE_HZ * np.exp(random.uniform(np.log(0.35), np.log(3.0))))
        return Shot(canvas, first, first + way, samples, tuple(used))

    def _part(self, base: int, random: np.random.Generator) -> Picture:
        """A part of a picture, 16 to 100 % of its area, perhaps mirrored, drawn to a canvas's shape."""
        rgb = self._bases[base]
        height, width = rgb.shape[:2]
        across, down = random.uniform(0.4, 1.0, 2)
        left, top = random.random() * (1 - across) * width, random.random() * (1 - down) * height
        part = rgb[
            int(top) : max(int(top) + 2, int(top + down * height)),
            int(left) : max(int(left) + 2, int(left + across * width)),
        ]
        drawn = np.asarray(cv2.resize(part, _CANVAS, interpolation=cv2.INTER_LINEAR), np.uint8)
        return np.ascontiguousarray(drawn[:, ::-1]) if random.random() < 0.5 else drawn

    def _graded(self, rgb: Picture, random: np.random.Generator) -> Picture:
        """Hue turned, saturation, contrast and gamma changed."""
        turned = cv2.transform(rgb, _hue_matrix(random.uniform(0, 2 * np.pi), random.uniform(0.5, 1.4)))
        curve = 255 * (np.arange(256) / 255) ** np.exp(random.uniform(-0.5, 0.5))
        table = np.clip((curve - 128) * random.uniform(0.7, 1.3) + 128, 0, 255).astype(np.uint8)
        return np.asarray(cv2.LUT(turned, table), np.uint8)

    def frames(self, film: int, count: int) -> tuple[VideoFrames, NDArray[np.int32]]:
        """The first ``count`` runs of frames of a film, and of each the shot and the sample it was taken at."""
        vectors: list[NDArray[np.float16]] = []
        times: list[tuple[int, int, int]] = []
        places: list[tuple[int, int]] = []
        number, start = 0, 0
        while len(vectors) < count:
            shot = self.shot(film, number)
            pictures = np.stack([shot.picture(sample) for sample in range(shot.samples)])
            if self._cut_by is None:
                described = self._descriptor.describe(pictures)
                kept = _changes(described)
                described = described[kept]
            else:
                kept = _changes(self._cut_by.describe(pictures))
                described = self._descriptor.describe(pictures[kept])
            for vector, at, until in zip(described, kept, [*kept[1:], shot.samples], strict=True):
                from_ms, to_ms = _ms(start + at), _ms(start + until - 1)
                vectors.append(vector.astype(np.float16))
                times.append((from_ms, (from_ms + to_ms) // 2, to_ms))
                places.append((number, at))
            number, start = number + 1, start + shot.samples
        video = f"{film:064x}"
        return (
            VideoFrames(video, np.stack(vectors[:count]), np.array(times[:count], np.int32).T.copy()),
            np.array(places[:count], np.int32),
        )


def _hue_matrix(angle: float, saturation: float) -> NDArray[np.float32]:
    """Turns colours about the axis of greys (Rodrigues' formula), and moves them from or towards it."""
    grey = np.full((3, 3), 1 / 3)
    across = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    turned = np.cos(angle) * (np.eye(3) - grey) + np.sin(angle) * across
    return np.asarray(grey + saturation * turned, np.float32)


def _mask(random: np.random.Generator) -> NDArray[np.float32]:
    """A soft ellipse or half-plane of a canvas's size, 0 to 1."""
    rows, columns = np.mgrid[:45, :80].astype(np.float32)
    y, x = rows / 45 - random.uniform(0.2, 0.9), columns / 80 - random.uniform(0.1, 0.9)
    if random.random() < 0.7:
        distance = np.sqrt((x / random.uniform(0.12, 0.4)) ** 2 + (y / random.uniform(0.2, 0.6)) ** 2) - 1
    else:
        angle = random.uniform(0, 2 * np.pi)
        distance = 4 * (x * np.cos(angle) + y * np.sin(angle))
    mask = np.clip(0.5 - distance / random.uniform(0.1, 0.4), 0, 1).astype(np.float32)
    return np.asarray(cv2.resize(mask, _CANVAS, interpolation=cv2.INTER_LINEAR), np.float32)


def _changes(described: NDArray[np.float32]) -> list[int]:
    """Where the picture is no longer that of the run before, as ``make_track`` judges it."""
    kept = [0]
    for sample in range(1, len(described)):
        if float(described[sample] @ described[kept[-1]]) < SAME_FRAME:
            kept.append(sample)
    return kept


def _ms(sample: int) -> int:
    return round(1000 * sample / RATE_HZ)


_film: VirtualFilm | None = None


def _receive(film: VirtualFilm) -> None:
    global _film
    _film = film
    cv2.setNumThreads(1)


def _make(order: tuple[int, int]) -> tuple[VideoFrames, NDArray[np.int32]]:
    if _film is None:
        raise RuntimeError("this process was given no pictures")
    return _film.frames(*order)


def make_films(
    film: VirtualFilm, orders: Sequence[tuple[int, int]]
) -> Iterator[tuple[VideoFrames, NDArray[np.int32]]]:
    """Make many films, (number, runs of frames) each, on all cores; in the order asked for."""
    with ProcessPoolExecutor(
        min(len(orders), os.cpu_count() or 1) or 1,
        mp_context=get_context("spawn"),
        initializer=_receive,
        initargs=(film,),
    ) as pool:
        yield from pool.map(_make, orders)
