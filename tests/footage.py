"""Video files for tests: moving pictures that differ from each other, and files that are broken in known ways."""

from __future__ import annotations

import functools
import io
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, FPS = 320, 180, 12
#: Seconds that one picture stands, slowly moving, before the next scene.
SCENE_S = 1


def write_video(path: Path, *, seed: int, seconds: float = 3, codec: str = "mpeg4", repeat: int = 1) -> Path:
    """Write a video of random scenes; the container is told by the file's suffix.

    Args:
        seed: videos of one seed look alike, those of others do not.
        repeat: how often the whole is appended to itself: longer to decode, no longer to make.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(video_bytes(seed=seed, seconds=seconds, codec=codec, repeat=repeat, suffix=path.suffix))
    return path


@functools.lru_cache(maxsize=64)
def video_bytes(
    *, seed: int, seconds: float = 3, codec: str = "mpeg4", repeat: int = 1, suffix: str = ".mp4"
) -> bytes:
    """The bytes of :func:`write_video`; the same arguments give the same bytes."""
    held = io.BytesIO()
    form = {".mkv": "matroska", ".avi": "avi", ".webm": "webm"}.get(suffix.lower(), "mp4")
    with av.open(held, "w", format=form, options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream(
            codec, rate=FPS, options={"preset": "ultrafast"} if "264" in codec else {}
        )
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = Fraction(1, FPS)
        packets = []
        for number in range(round(seconds * FPS)):
            packets += stream.encode(
                av.VideoFrame.from_ndarray(picture_at(seed, number / FPS), format="rgb24")
            )
        packets += stream.encode()
        length = round(seconds * FPS)
        encoded = [(bytes(packet), packet.pts, packet.dts, packet.is_keyframe) for packet in packets]
        for turn in range(repeat):
            for data, pts, dts, key in encoded:
                packet = av.Packet(data)
                packet.stream, packet.time_base = stream, Fraction(1, FPS)
                packet.pts, packet.dts, packet.is_keyframe = pts + turn * length, dts + turn * length, key
                container.mux(packet)
    return held.getvalue()


def picture_at(seed: int, time_s: float) -> NDArray[np.uint8]:
    """The picture of a video of that seed at a time: (HEIGHT, WIDTH, 3) uint8 RGB."""
    scene, moved = divmod(time_s, SCENE_S)
    random = np.random.default_rng([seed, int(scene)])
    blobs = random.integers(0, 256, (5, 8, 3), np.uint8)
    large = cv2.resize(blobs, (WIDTH + 16, HEIGHT), interpolation=cv2.INTER_CUBIC)
    left = int(16 * moved / SCENE_S)
    return np.ascontiguousarray(large[:, left : left + WIDTH])


def write_picture(path: Path, *, seed: int, time_s: float) -> Path:
    """A screenshot of a video of that seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _, encoded = cv2.imencode(path.suffix, cv2.cvtColor(picture_at(seed, time_s), cv2.COLOR_RGB2BGR))
    path.write_bytes(encoded.tobytes())
    return path


def truncated(seed: int = 900) -> bytes:
    """A Matroska file that a download left half done."""
    whole = video_bytes(seed=seed, seconds=20, suffix=".mkv")
    return whole[: len(whole) // 2]


def sound_only() -> bytes:
    """An MP4 file with a sound track and no picture."""
    held = io.BytesIO()
    with av.open(held, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=44100, layout="mono")
        for number in range(20):
            silence = np.zeros((1, 1024), np.float32)
            frame = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 44100, number * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return held.getvalue()


def no_frames() -> bytes:
    """A Matroska file with a video track whose packets hold nothing that decodes."""
    held = io.BytesIO()
    with av.open(held, "w", format="matroska") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        container.start_encoding()
        for number in range(10):
            packet = av.Packet(bytes([0, 0, 0, 4, 255, 255, 255, 255]))
            packet.stream, packet.time_base = stream, Fraction(1, FPS)
            packet.pts = packet.dts = number
            packet.is_keyframe = True
            container.mux(packet)
    return held.getvalue()


NOT_A_VIDEO = b"Episode notes, in a file that was given the wrong suffix.\n" * 40
