"""Where scenes end and begin: found while a video is indexed, looked up when a preview is cut."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

#: Version of the computation, kept beside its results.
CUTS_VERSION = "cuts-1"

#: Samples are looked at no more often than this many a second: thresholds are of that rate.
_RATE_HZ = 12.0
#: Luma of a sample, reduced for the comparison of brightness: columns and rows.
_COLUMNS, _ROWS = 16, 9

#: A cut changes at least this much: 1 minus the cosine of the descriptors on both sides, and ...
_LEAST_CHANGE = 0.4
#: ... this many times as much as what is around it (the adaptive threshold), and ...
_TIMES_AROUND = 4.5
#: ... this many steps of luma on average, of 255.
_LEAST_LUMA = 6.0
#: Samples on either side that are "around".
_AROUND = 6

#: A picture that comes back within so many samples was only interrupted, by a flash or a single odd frame;
#: and the cosine from which on it has come back.
_INTERRUPTION, _SAME_AGAIN = 4, 0.8

#: Half-lengths of cross-fades that are looked for, in samples.
_FADE_HALVES = (3, 5, 8)
#: In a cross-fade the middle is the mean of both ends: how far off it may be, as a share of half their
#: distance, and how far apart (1 - cosine) its ends are at least.
_FADE_RESIDUAL, _FADE_CHANGE = 0.55, 0.5

#: And the picture changes so much more within it than before and after.
_TIMES_OUTSIDE = 1.1

#: Across a fade to black (or white) the picture is another one below this cosine; after so long it is anyway.
_OTHER_SCENE, _LONG_BLANK_MS = 0.8, 1500

_CHUNK, _CONTEXT = 1024, 32


class CutFinder:
    """Takes the samples of a video in order, and finds the transitions between its scenes.

    Sudden cuts are found as PySceneDetect's ``AdaptiveDetector`` does: the change from one sample to the next
    must stand out from the changes around it, so that neither pans nor fights are cut to pieces; the change
    is measured between frame descriptors, from which brightness and contrast fall away. A picture that comes
    back after some frames was a flash. Cross-fades are found by what defines them, a middle that is the mean
    of its ends (Lienhart, "Reliable transition detection in videos", 2001), which no pan has. Fades
    through a plain colour are cuts if the picture behind is another than before.

    Memory stays the same however long the video is.
    """

    def __init__(self) -> None:
        self._times: list[int] = []
        self._vectors: list[NDArray[np.float32]] = []
        self._lumas: list[NDArray[np.uint8]] = []
        #: Milliseconds without a picture (of a plain colour) before a sample.
        self._blanks: list[int] = []
        self._blank_from: int | None = None
        self._done_before = 0
        self._found: list[tuple[int, int]] = []
        self._last_ms: int | None = None

    def extend(
        self,
        pictures: Sequence[tuple[int, NDArray[np.uint8]]],
        vectors: NDArray[np.float32],
        flat: Sequence[bool],
    ) -> None:
        """Take samples: milliseconds and (144, 256, 3) RGB, descriptors, and which hold next to nothing."""
        for (time_ms, rgb), vector, empty in zip(pictures, vectors, flat, strict=True):
            # A file with a wrong time in it may step back.
            if self._last_ms is not None and 0 <= time_ms - self._last_ms < 900 / _RATE_HZ:
                continue
            self._last_ms = time_ms
            if empty:
                self._blank_from = time_ms if self._blank_from is None else self._blank_from
                continue
            small = cv2.resize(rgb, (_COLUMNS, _ROWS), interpolation=cv2.INTER_AREA)
            self._lumas.append(np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8).ravel())
            self._times.append(time_ms)
            self._vectors.append(vector)
            self._blanks.append(0 if self._blank_from is None else max(1, time_ms - self._blank_from))
            self._blank_from = None
        if len(self._times) >= _CHUNK:
            self._settle(len(self._times) - _CONTEXT)

    def finish(self, frame_s: float) -> NDArray[np.int32]:
        """The transitions: (C, 2) int32, milliseconds at which each begins and ends, ascending.

        What lies between is neither scene: at a sudden cut that is the time between the last sample of the
        old scene and the first of the new one.

        Args:
            frame_s: seconds that one frame is shown.
        """
        self._settle(len(self._times))
        frame_ms = max(1, round(frame_s * 1000))
        merged: list[list[int]] = []
        for last_ms, first_ms in sorted(self._found):
            begins_ms = min(last_ms + frame_ms, first_ms)
            if merged and begins_ms <= merged[-1][1]:
                merged[-1][1] = max(merged[-1][1], first_ms)
            else:
                merged.append([begins_ms, first_ms])
        return np.array(merged, np.int32).reshape(-1, 2)

    def _settle(self, until: int) -> None:
        """Decide on the samples before ``until``, and forget all but those that later ones are compared with."""
        if len(self._times) >= 2:
            vectors = np.stack(self._vectors)
            lumas = np.stack(self._lumas).astype(np.float32)
            blanks = np.array(self._blanks)
            for last, first in [*_sudden(vectors, lumas, blanks), *_gradual(vectors, lumas, blanks)]:
                if self._done_before <= first < until:
                    self._found.append((self._times[last], self._times[first]))
        kept = max(0, until - _CONTEXT)
        for values in (self._times, self._vectors, self._lumas, self._blanks):
            del values[:kept]
        self._done_before = until - kept


def _sudden(
    vectors: NDArray[np.float32], lumas: NDArray[np.float32], blanks: NDArray[np.int_]
) -> list[tuple[int, int]]:
    """Cuts, also those through a plain colour: indexes of the samples on both sides."""
    change = np.maximum(0.0, 1 - np.einsum("nd,nd->n", vectors[1:], vectors[:-1]))
    luma = np.abs(lumas[1:] - lumas[:-1]).mean(axis=1)
    around = _around(np.where(blanks[1:] > 0, 0.0, change))
    stands_out = (change >= _LEAST_CHANGE) & (change >= _TIMES_AROUND * around) & (luma >= _LEAST_LUMA)
    through_blank = (blanks[1:] > 0) & ((change > 1 - _OTHER_SCENE) | (blanks[1:] > _LONG_BLANK_MS))
    candidates = np.flatnonzero(np.where(blanks[1:] > 0, through_blank, stands_out)).tolist()
    return [(at, at + 1) for at in candidates if blanks[at + 1] or not _interrupted(vectors, at)]


def _around(change: NDArray[np.floating]) -> NDArray[np.floating]:
    """The mean change of the samples around each, without the largest: that may be another cut."""
    padded = np.pad(change, _AROUND)
    offsets = [offset for offset in range(2 * _AROUND + 1) if offset != _AROUND]
    neighbours = np.stack([padded[offset : offset + len(change)] for offset in offsets])
    return np.asarray((neighbours.sum(axis=0) - neighbours.max(axis=0)) / (len(offsets) - 1))


def _interrupted(vectors: NDArray[np.float32], last: int) -> bool:
    """Whether the picture before a change comes back soon, or the one after it was there shortly before."""
    first = last + 1
    later = vectors[first + 1 : first + 1 + _INTERRUPTION] @ vectors[last]
    earlier = vectors[max(0, last - _INTERRUPTION) : last] @ vectors[first]
    return bool((later > _SAME_AGAIN).any() or (earlier > _SAME_AGAIN).any())


def _gradual(
    vectors: NDArray[np.float32], lumas: NDArray[np.float32], blanks: NDArray[np.int_]
) -> list[tuple[int, int]]:
    """Cross-fades: indexes of the samples at their ends."""
    found: list[tuple[float, int, int]] = []
    blank_sum = np.cumsum(blanks > 0)
    for half in _FADE_HALVES:
        if len(lumas) <= 2 * half:
            continue
        before, after = lumas[: -2 * half], lumas[2 * half :]
        middle, quarter = lumas[half:-half], max(1, half // 2)
        first_part = lumas[half - quarter : len(lumas) - half - quarter]
        last_part = lumas[half + quarter : len(lumas) - half + quarter]
        length = np.linalg.norm(after - before, axis=1) + 1e-6
        share = quarter / (2 * half)
        off = np.maximum.reduce(
            [
                np.linalg.norm(middle - (before + after) / 2, axis=1),
                np.linalg.norm(first_part - (before + (0.5 - share) * (after - before)), axis=1),
                np.linalg.norm(last_part - (before + (0.5 + share) * (after - before)), axis=1),
            ]
        )
        residual = off / (length / 2)
        apart = 1 - np.einsum("nd,nd->n", vectors[: -2 * half], vectors[2 * half :])
        whole = blank_sum[2 * half :] == blank_sum[: -2 * half]
        fits = (residual < _FADE_RESIDUAL) & (apart > _FADE_CHANGE) & whole
        fits &= length / np.sqrt(lumas.shape[1]) > 2 * _LEAST_LUMA
        # A pan goes on as it began; a cross-fade has an end on either side.
        steps = np.linalg.norm(lumas[half:] - lumas[:-half], axis=1)
        outside = np.maximum(
            np.pad(steps, (half, 0))[: len(length)], np.pad(steps, (0, half))[2 * half :][: len(length)]
        )
        fits &= length / 2 > _TIMES_OUTSIDE * outside
        found += [(float(residual[at]), int(at), int(at) + 2 * half) for at in np.flatnonzero(fits)]
    # Of windows that overlap, the one that fits best.
    chosen: list[tuple[int, int]] = []
    for _residual, begin, end in sorted(found):
        if all(end <= other[0] or begin >= other[1] for other in chosen):
            chosen.append((begin, end))
    return chosen


def scene_around(
    cuts: NDArray[np.int32] | None,
    at_s: float,
    duration_s: float,
    *,
    most_before_s: float = 5.0,
    most_after_s: float = 5.0,
    least_s: float = 1.0,
) -> tuple[float, float]:
    """Seconds at which the scene around a time begins and ends.

    A time within a transition belongs to the scene that is nearer. A scene shorter than ``least_s`` takes in
    the next one, or at the end of a video the one before.

    Args:
        cuts: as :meth:`CutFinder.finish` gives them; None where they were never looked for: then only the
            limits count.
        duration_s: of the video; nothing ends later.
    """
    earliest, latest = max(0.0, at_s - most_before_s), max(at_s, min(duration_s, at_s + most_after_s))
    if cuts is None or not len(cuts):
        return (earliest, latest)
    first = last = _scene_at(cuts, at_s * 1000)
    while _end(cuts, last, duration_s) - _begin(cuts, first) < least_s:
        if last < len(cuts):
            last += 1
        elif first:
            first -= 1
        else:
            break
    start_s = max(earliest, min(_begin(cuts, first), at_s))
    return start_s, min(latest, max(_end(cuts, last, duration_s), at_s))


def _scene_at(cuts: NDArray[np.int32], at_ms: float) -> int:
    """The number of the scene that a time belongs to: scene 0 ends with the first transition."""
    scene = int(np.searchsorted(cuts[:, 0], at_ms, side="right"))
    if scene and at_ms < cuts[scene - 1, 1] and 2 * at_ms < int(cuts[scene - 1, 0]) + int(cuts[scene - 1, 1]):
        return scene - 1
    return scene


def _begin(cuts: NDArray[np.int32], scene: int) -> float:
    return float(cuts[scene - 1, 1]) / 1000 if scene else 0.0


def _end(cuts: NDArray[np.int32], scene: int, duration_s: float) -> float:
    return float(cuts[scene, 0]) / 1000 if scene < len(cuts) else duration_s
