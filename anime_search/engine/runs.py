"""Runs of frames that look the same, and where shots begin: judged by the DCT, whatever else describes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Cosine above which the next frame adds nothing: it is the same drawing, encoded again.
SAME_FRAME = 0.995
#: A run is ended after this long even if the picture never changes.
LONGEST_RUN_MS = 10_000
#: Cosine between neighbouring samples below which a new shot begins.
SHOT_CUT = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """What a video was cut into.

    Attributes:
        from_ms, to_ms: (N,) int32, first and last time of each run.
        shots_ms: (S,) int32, the times at which a shot begins.
    """

    from_ms: NDArray[np.int32]
    to_ms: NDArray[np.int32]
    shots_ms: NDArray[np.int32]


class RunCutter:
    """Merges neighbouring frames that look the same, and notes where shots begin."""

    def __init__(self) -> None:
        self._times: list[list[int]] = []
        self._shots: list[int] = []
        self._open: NDArray[np.float32] | None = None
        self._previous: NDArray[np.float32] | None = None

    def extend(
        self, times_ms: Sequence[int], vectors: NDArray[np.float32], flat: Sequence[bool]
    ) -> list[int]:
        """Take samples in order.

        Args:
            vectors: their :class:`~.descriptor.DctDescriptor` descriptors: the thresholds here are of those.
            flat: which hold next to nothing; they belong to no run.

        Returns:
            Positions of the samples that begin a run: those stand for it.
        """
        first: list[int] = []
        for position, (time_ms, vector, empty) in enumerate(zip(times_ms, vectors, flat, strict=True)):
            if self._previous is None or float(vector @ self._previous) < SHOT_CUT:
                self._shots.append(time_ms)
                self._open = None
            self._previous = vector
            if empty:
                self._open = None
            elif (
                self._open is not None
                and time_ms - self._times[-1][0] < LONGEST_RUN_MS
                and float(vector @ self._open) >= SAME_FRAME
            ):
                self._times[-1][1] = time_ms
            else:
                self._open = vector
                self._times.append([time_ms, time_ms])
                first.append(position)
        return first

    def finish(self) -> Runs:
        """All runs of the video."""
        times = np.array(self._times, np.int32).reshape(-1, 2)
        return Runs(times[:, 0].copy(), times[:, 1].copy(), np.array(self._shots, np.int32))
