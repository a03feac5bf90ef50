"""Short clips joined into long files, so that the second has to be found and not only the file."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from benchmarks.clips import frames_of
from benchmarks.report import say

LONG_S = 600.0
_SIZE = (640, 360)
#: What a frame lasts where its clip has only one.
_FRAME_MS = 100


def join_clips(paths: Sequence[Path], folder: Path, seconds: float = LONG_S) -> list[tuple[Path, int]]:
    """Files of at most ``seconds`` with the clips one behind another, and how many clips are in each.

    A frame keeps its length and is pressed into 640x360. H.264 by libx264, preset veryfast, crf 20.
    A clip that is longer than a file may be is alone in one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    films: list[tuple[Path, int]] = []
    for chosen in _by_length(paths, 1000 * seconds):
        target = folder / f"long-{len(films)}.mp4"
        _join(chosen, target)
        films.append((target, len(chosen)))
        say(f"joined {len(chosen)} clips into {target.name}")
    return films


def _by_length(paths: Sequence[Path], most_ms: float) -> list[list[Path]]:
    batches: list[list[Path]] = []
    left = 0.0
    for path in paths:
        length = _length_ms([round(1000 * time_s) for time_s, _rgb in frames_of(path, side=16)])
        if not batches or length > left:
            batches.append([])
            left = most_ms
        batches[-1].append(path)
        left -= length
    return batches


def _length_ms(times: Sequence[int]) -> int:
    """From the first frame to the end of the last, which lasts as long as most do."""
    if len(times) < 2:
        return _FRAME_MS
    return times[-1] - times[0] + max(1, round(float(np.median(np.diff(times)))))


def _join(paths: Sequence[Path], target: Path) -> None:
    with av.open(str(target), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = *_SIZE, "yuv420p"
        stream.options = {"preset": "veryfast", "crf": "20"}
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        offset = last = 0
        for path in paths:
            times: list[int] = []
            for time_s, rgb in frames_of(path, side=_SIZE[0]):
                times.append(round(1000 * time_s))
                picture = cv2.resize(rgb, _SIZE, interpolation=cv2.INTER_AREA)
                frame = av.VideoFrame.from_ndarray(np.asarray(picture, np.uint8), format="rgb24")
                frame.pts = last = max(last + 1, offset + times[-1] - times[0])
                frame.time_base = Fraction(1, 1000)
                container.mux(stream.encode(frame))
            offset += _length_ms(times)
        container.mux(stream.encode(None))
