"""The sound of a clip: decoded, put where it belongs in time, and brought to one form."""

from __future__ import annotations

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from anime_search.engine.passage import PassageReader

#: Samples a second of every clip's sound.
SOUND_RATE_HZ = 48_000

#: Sound that begins this much off the end of what came before is put where its time says; less is rounding.
_GAP_S = 0.03


def read_sound(reader: PassageReader, start_s: float, end_s: float) -> NDArray[np.float32] | None:
    """The sound of a passage as (2, N) float32 at :data:`SOUND_RATE_HZ`; silence where there is none.

    More than two channels are mixed down as libswresample does by default (ITU-R BS.775 weights).

    Returns:
        None if the video has no sound track that can be decoded.
    """
    if not reader.has_sound:
        return None
    track = _Track(np.zeros((2, max(1, round((end_s - start_s) * SOUND_RATE_HZ))), np.float32))
    for at_s, frame in reader.sound_between(start_s, end_s):
        track.put(at_s - start_s, frame)
    track.end_run()
    return track.samples


class _Track:
    """Samples, filled run by run: a run is sound without a gap, through one resampler."""

    def __init__(self, samples: NDArray[np.float32]) -> None:
        self.samples = samples
        self._resampler: AudioResampler | None = None
        self._at = 0
        self._next_s = 0.0
        self._kind: tuple[str, str, int] | None = None

    def put(self, at_s: float, frame: AudioFrame) -> None:
        kind = frame.format.name, frame.layout.name, frame.sample_rate
        if self._resampler is None or kind != self._kind or abs(at_s - self._next_s) > _GAP_S:
            self.end_run()
            self._resampler = AudioResampler("fltp", "stereo", SOUND_RATE_HZ)
            self._kind, self._next_s, self._at = kind, at_s, round(at_s * SOUND_RATE_HZ)
        self._next_s += frame.samples / max(1, frame.sample_rate)
        # Times of its own would make the resampler fill gaps and cut overlaps.
        frame.pts = None
        self._write(frame)

    def end_run(self) -> None:
        """Take what the resampler holds back."""
        if self._resampler is not None:
            self._write(None)
            self._resampler = None

    def _write(self, frame: AudioFrame | None) -> None:
        assert self._resampler is not None
        try:
            pieces = self._resampler.resample(frame)
        except (av.FFmpegError, ValueError):
            return
        for piece in pieces:
            # A resampler that has nothing to do hands back what it was given, the end's None too.
            if piece is not None:
                self._place(np.asarray(piece.to_ndarray(), np.float32))

    def _place(self, piece: NDArray[np.float32]) -> None:
        first, last = max(0, -self._at), min(piece.shape[1], self.samples.shape[1] - self._at)
        if first < last:
            self.samples[:, self._at + first : self._at + last] = piece[:, first:last]
        self._at += piece.shape[1]
