"""What tests need of cut clips: cutting with defaults, reading them back, and beeps to hear."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from anime_search.engine.clip import ClipInfo, cut_clip
from tests.anime_search.engine.clips import Clip, number_in, ordinary_turns, picture
from video.reader import VideoLimits

RATE = 48_000


@dataclass(frozen=True, slots=True)
class Played:
    """A clip as a player sees it.

    Attributes:
        frames: time in seconds and number of each frame.
        sound: (channels, N) at :data:`RATE` from time 0; None without a sound track.
        length_s: of the picture, as the file says.
        boxes: names of the file's outermost boxes.
    """

    frames: list[tuple[float, int]]
    sound: NDArray[Any] | None
    length_s: float
    size: tuple[int, int]
    boxes: list[str]

    @property
    def numbers(self) -> list[int]:
        return [number for _time_s, number in self.frames]

    @property
    def loud_s(self) -> float:
        """When the sound first becomes loud, in seconds."""
        assert self.sound is not None
        return int(np.argmax(np.abs(self.sound[0]) > 0.1)) / RATE


def cut(
    path: Path, start_s: float, end_s: float, *, width: int = 640, mute: bool = False, **more: Any
) -> Played:
    return play(*cut_file(path, start_s, end_s, width=width, mute=mute, **more))


def cut_file(
    path: Path, start_s: float, end_s: float, *, width: int = 640, mute: bool = False, **more: Any
) -> tuple[Path, ClipInfo]:
    out = path.with_name("cut.mp4")
    info = cut_clip(
        path, start_s=start_s, end_s=end_s, width=width, mute=mute, limits=VideoLimits(), out=out, **more
    )
    return out, info


def play(path: Path, info: ClipInfo) -> Played:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert stream.duration is not None
        length_s = float(stream.duration * stream.time_base)
        frames = [
            (frame.time, number_in(frame.to_ndarray(format="rgb24"))) for frame in container.decode(stream)
        ]
        size = stream.width, stream.height
        has_sound = bool(container.streams.audio)
    assert (info.width, info.height, info.frames, info.sound) == (*size, len(frames), has_sound)
    sound = hear(path) if has_sound else None
    return Played(frames, sound, length_s, size, boxes(path.read_bytes()))


def hear(path: Path) -> NDArray[Any]:
    """The sound of a file on the clock of its timestamps, as a player would play it."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        assert (stream.rate, stream.layout.name) == (RATE, "stereo")
        samples = np.zeros((2, RATE * 20), np.float32)
        end = 0
        for frame in container.decode(stream):
            piece, at = frame.to_ndarray(), round(frame.time * RATE)
            end = at + piece.shape[1]
            samples[:, max(0, at) : end] = piece[:, max(0, -at) :]
    return samples[:, :end]


def boxes(content: bytes) -> list[str]:
    names, at = [], 0
    while at < len(content):
        names.append(content[at + 4 : at + 8].decode())
        at += int.from_bytes(content[at : at + 4], "big")
    return names


def tone_from(beep_s: float, until_s: float = 1e9, *, hz: float = 1000.0) -> Callable[[Any], Any]:
    """Silence, and a tone between two times."""
    return lambda t: np.where((t >= beep_s) & (t < until_s), 0.6 * np.sin(2 * np.pi * hz * t), 0.0)


@ordinary_turns()
def write_with_sound(
    path: Path,
    clip: Clip,
    wave: Callable[[Any], Any],
    *,
    codec: str = "aac",
    rate: int = 44_100,
    layout: str = "stereo",
    form: str = "fltp",
    from_s: float = 0.0,
    until_s: float,
) -> Path:
    """A clip whose sound is ``wave(seconds)``, from one time to another."""
    with av.open(str(path), "w", options=clip.muxer) as target:
        video = cast("VideoStream", target.add_stream(clip.codec, rate=clip.fps, options=clip.options))
        (video.width, video.height), video.pix_fmt = clip.size, clip.pix_fmt
        sound = cast("AudioStream", target.add_stream(codec, rate=rate))
        sound.codec_context.layout, sound.codec_context.format = layout, form
        heard = _pieces(sound, wave, from_s + clip.start_s, until_s + clip.start_s, clip.start_s)
        heard_s = -1.0
        for number, time_s in enumerate(clip.times()):
            # Interleaved by time, as real files are.
            while heard_s < clip.start_s + time_s and (piece := next(heard, None)) is not None:
                heard_s, packets = piece
                target.mux(packets)
            frame = VideoFrame.from_ndarray(picture(number, clip.size), format="rgb24")
            frame.pts, frame.time_base = round((clip.start_s + time_s) * clip.fps), 1 / Fraction(clip.fps)
            target.mux(video.encode(frame))
        target.mux(video.encode(None))
        for _at_s, packets in heard:
            target.mux(packets)
        target.mux(sound.encode(None))
    return path


def _pieces(
    sound: AudioStream, wave: Callable[[Any], Any], from_s: float, until_s: float, origin_s: float
) -> Iterator[tuple[float, list[Packet[Any]]]]:
    context = sound.codec_context
    rate, step = context.sample_rate, context.frame_size or 1024
    for at in range(round(from_s * rate), round(until_s * rate), step):
        tone = wave((np.arange(step) + at) / rate - origin_s).astype(np.float32)
        channels = np.tile(tone, (context.layout.nb_channels, 1))
        if context.format.name == "s16":
            channels = (channels.T.reshape(1, -1) * 32767).astype(np.int16)
        frame = AudioFrame.from_ndarray(channels, format=context.format.name, layout=context.layout.name)
        frame.sample_rate, frame.pts, frame.time_base = rate, at, Fraction(1, rate)
        yield at / rate, sound.encode(frame)
