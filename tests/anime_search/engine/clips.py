"""Small videos for tests, made by PyAV: every frame carries its number, so that it can be told from any other."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import av
import cv2
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

# The AV1 encoder writes its settings to stderr otherwise.
os.environ.setdefault("SVT_LOG", "1")

#: (height, width, 3) uint8.
Rgb = NDArray[Any]

#: The number is drawn as black and white fields over the left half: 4 columns of 3 bits.
_COLUMNS, _ROWS = 4, 3
NUMBERS = 1 << (_COLUMNS * _ROWS)

#: Encoders set so that a decoded number is always legible, and quick.
OPTIONS: dict[str, dict[str, str]] = {
    "libx264": {"preset": "ultrafast", "crf": "20"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=error:pools=1:frame-threads=1"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "crf": "10", "b": "1M"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "crf": "20", "b": "0"},
    "libsvtav1": {"preset": "13", "svtav1-params": "lp=1"},
}

#: A pyramid of B-frames that the encoder may not think better of: I b B b P …, every other frame unreferenced.
PYRAMID = {
    "preset": "veryfast",
    "crf": "20",
    "x264-params": "bframes=5:b-adapt=0:b-pyramid=normal:scenecut=0:keyint=24:min-keyint=24",
}


@dataclass(frozen=True, slots=True)
class Clip:
    """A video to be made; see :func:`write_clip`.

    Attributes:
        frames: how many; frame ``n`` carries the number ``first + n``.
        fps: frames a second.
        times_s: time of each frame, in place of ``frames`` and ``fps``.
        start_s: added to every time.
        time_base: of the encoder; one that holds ``fps`` exactly by default.
        sound_s: seconds of a sound track; 0 for none.
        sound_start_s: when it begins.
        options: of the encoder, in place of :data:`OPTIONS`.
        muxer: options of the container.
        sample_aspect: width to height of a pixel.
        matrix: of the colours (``AVColorSpace``); swscale's own, BT.601, by default.
        tagged: whether the stream says so.
    """

    codec: str = "libx264"
    size: tuple[int, int] = (96, 64)
    frames: int = 48
    fps: Fraction | int = 24
    times_s: Sequence[float] = ()
    start_s: float = 0.0
    first: int = 0
    pix_fmt: str = "yuv420p"
    time_base: Fraction | None = None
    sound_s: float = 0.0
    sound_start_s: float = 0.0
    options: dict[str, str] | None = None
    muxer: dict[str, str] = field(default_factory=dict)
    sample_aspect: Fraction | None = None
    matrix: int | None = None
    tagged: bool = False

    def times(self) -> list[float]:
        """When each frame is shown, in seconds from the first."""
        return [float(time) for time in self.times_s] or [n / float(self.fps) for n in range(self.frames)]


@lru_cache(maxsize=2048)
def picture(number: int, size: tuple[int, int] = (96, 64)) -> Rgb:
    """A drawing of (height, width, 3) that carries ``number`` on its left; its right half moves with it."""
    width, height = size
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    angle = number * 0.35
    rgb = np.stack(
        [
            128 + 90 * np.sin(columns / width * 6 + angle),
            128 + 90 * np.cos(rows / height * 5 - angle),
            128 + 90 * np.sin((columns / width + rows / height) * 4 + 2 * angle),
        ],
        axis=2,
    )
    for bit in range(_COLUMNS * _ROWS):
        top, bottom = height * (bit // _COLUMNS) // _ROWS, height * (bit // _COLUMNS + 1) // _ROWS
        left, right = width * (bit % _COLUMNS) // 8, width * (bit % _COLUMNS + 1) // 8
        rgb[top:bottom, left:right] = 235 if number >> bit & 1 else 20
    shown = rgb.clip(0, 255).astype(np.uint8)
    shown.setflags(write=False)
    return shown


def jpeg_decoded(content: bytes) -> Rgb:
    """The picture of a JPEG file, in the order of colours in which it was encoded."""
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded


def as_jpeg(rgb: Rgb, quality: int) -> Rgb:
    """What is left of a picture after JPEG."""
    return jpeg_decoded(cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())


def number_in(rgb: Rgb) -> int:
    """The number that a decoded picture of any size carries."""
    luma = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY)
    height, width = luma.shape
    number = 0
    for bit in range(_COLUMNS * _ROWS):
        row, column = (bit // _COLUMNS + 0.5) / _ROWS, (bit % _COLUMNS + 0.5) / 8
        centre = luma[int(row * height - height / 12) : int(row * height + height / 12) + 1]
        number |= int(centre[:, int(column * width)].mean() > 128) << bit
    return number


@contextmanager
def ordinary_turns() -> Iterator[None]:
    """Take back that SVT-AV1 makes the thread that it is begun from a real-time one, where root runs it.

    Every process that a test then starts would be one, too: two of them keep everything else off a machine of two cores.
    """
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@ordinary_turns()
def write_clip(path: Path, clip: Clip, *, pictures: Iterable[Rgb] | None = None) -> Path:
    """Encode a clip into the container that the name of ``path`` asks for.

    Args:
        pictures: what to show in place of numbered pictures, one for each time of the clip.
    """
    times = clip.times()
    with av.open(str(path), "w", options=clip.muxer) as container:
        options = clip.options or OPTIONS.get(clip.codec, {})
        stream = cast(
            "VideoStream", container.add_stream(clip.codec, rate=Fraction(clip.fps), options=options)
        )
        stream.width, stream.height = clip.size
        stream.pix_fmt = clip.pix_fmt
        context = stream.codec_context
        context.thread_count = 1
        context.time_base = time_base = clip.time_base or 1 / Fraction(clip.fps)
        if clip.sample_aspect is not None:
            context.sample_aspect_ratio = clip.sample_aspect
        if clip.tagged and clip.matrix is not None:
            context.colorspace = clip.matrix
        sound = container.add_stream("aac", rate=8000) if clip.sound_s else None
        shown = (
            pictures
            if pictures is not None
            else (picture(clip.first + n, clip.size) for n in range(len(times)))
        )
        for time_s, rgb in zip(times, shown, strict=True):
            frame = VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
            if clip.matrix is not None:
                frame = frame.reformat(format=clip.pix_fmt, dst_colorspace=clip.matrix)
            frame.pts, frame.time_base = round((clip.start_s + time_s) / time_base), time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            add_silence(container, sound, clip.sound_s, clip.sound_start_s)
    return path


def add_silence(
    container: OutputContainer, track: AudioStream, length_s: float, start_s: float = 0.0
) -> None:
    """Encode silence of 8,000 samples a second into a track."""
    for at in range(0, int(length_s * 8000), 1024):
        silence = AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        silence.sample_rate = 8000
        silence.pts, silence.time_base = at + round(start_s * 8000), Fraction(1, 8000)
        container.mux(track.encode(silence))
    container.mux(track.encode(None))


#: ``tkhd`` matrices of ISO/IEC 14496-12 by the quarters that a player turns the picture clockwise.
_UPRIGHT = (1, 0, 0, 1)
_TURNS = {1: (0, 1, -1, 0), 2: (-1, 0, 0, -1), 3: (0, -1, 1, 0)}


def ask_to_turn(path: Path, quarters: int) -> Path:
    """Have the video track of an MP4 file say that it is shown turned clockwise by 90 degrees ``quarters`` times."""
    content = path.read_bytes()
    at = content.index(_matrix(_UPRIGHT), content.index(b"tkhd"))
    path.write_bytes(content[:at] + _matrix(_TURNS[quarters]) + content[at + 36 :])
    return path


def _matrix(turn: tuple[int, int, int, int]) -> bytes:
    a, b, c, d = (value << 16 for value in turn)
    return struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)


def show_only(path: Path, from_s: float, length_s: float) -> Path:
    """Have the edit list of a one-track MP4 file show a part of its video only."""
    content = bytearray(path.read_bytes())
    at = content.index(b"elst") + 12
    movie = content.index(b"mvhd") + 16
    media = content.index(b"mdhd") + 16
    per_second, media_per_second = (
        int.from_bytes(content[start : start + 4], "big") for start in (movie, media)
    )
    first = int.from_bytes(content[at + 4 : at + 8], "big")
    edit = struct.pack(">Ii", round(length_s * per_second), first + round(from_s * media_per_second))
    content[at : at + 8] = edit
    path.write_bytes(content)
    return path
