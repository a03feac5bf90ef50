"""The baseline: an exact search among colour layouts, by the distance that MPEG-7's experimentation model has."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.clips import Picture
from benchmarks.colour_layout import HEIGHT, WIDTH, colour_layout_tuned

#: Where the planes begin and end among the 33 numbers, and what their first three numbers count.
_PLANES = ((slice(0, 21), (2, 2, 2)), (slice(21, 27), (2, 1, 1)), (slice(27, 33), (4, 2, 2)))


def layout_of(rgb: Picture) -> NDArray[np.int8]:
    """Colour layout of a picture of any size."""
    return colour_layout_tuned(
        np.asarray(cv2.resize(rgb, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)
    )


@dataclass(frozen=True, slots=True)
class LayoutHit:
    """One answer: the video, the time of the frame, and how far its layout is from the query's."""

    video: str
    at_ms: int
    distance: float


class LayoutIndex:
    """All sampled frames of some videos, none of them merged.

    Args:
        layouts: of each video, (N, 33).
        times_ms: of each video, (N,).
    """

    def __init__(self, layouts: dict[str, NDArray[np.int8]], times_ms: dict[str, NDArray[np.int32]]) -> None:
        self._videos = [video for video, of_video in layouts.items() for _frame in of_video]
        self._layouts = np.concatenate(list(layouts.values())).astype(np.float32)
        self._times = np.concatenate([times_ms[video] for video in layouts])

    def search(self, queries: NDArray[np.int8], k: int, gap_ms: int) -> list[LayoutHit]:
        """The ``k`` best scenes of a query in one or more views; frames within ``gap_ms`` of a better one go."""
        distance = np.min([self._distances(query.astype(np.float32)) for query in queries], axis=0)
        hits: list[LayoutHit] = []
        for at in np.argsort(distance, kind="stable"):
            hit = LayoutHit(self._videos[at], int(self._times[at]), float(distance[at]))
            if not any(kept.video == hit.video and abs(kept.at_ms - hit.at_ms) <= gap_ms for kept in hits):
                hits.append(hit)
                if len(hits) == k:
                    break
        return hits

    def _distances(self, query: NDArray[np.float32]) -> NDArray[np.float32]:
        squares = (self._layouts - query) ** 2
        total = np.zeros(len(squares), np.float32)
        for plane, first in _PLANES:
            weights = np.ones(plane.stop - plane.start, np.float32)
            weights[:3] = first
            total += np.sqrt(squares[:, plane] @ weights)
        return total
