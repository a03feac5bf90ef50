"""A passage of a video file as a small MP4 clip."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
from av.video.frame import VideoFrame

from anime_search.engine.clip_encode import ClipWriter
from anime_search.engine.clip_sound import read_sound
from anime_search.engine.deinterlace import Deinterlacer
from anime_search.engine.faults import VideoFault
from anime_search.engine.frame import shown_size
from anime_search.engine.passage import ROUNDING_S, PassageReader
from anime_search.engine.timeline import LEAPING
from anime_search.engine.video import VideoError, VideoLimits

#: The longest clip, in seconds.
LONGEST_S = 12.0

#: Frames a second of a clip, at most; a tenth of a frame is rounding.
MOST_FPS = 30.0
_SHORTEST_FRAME_S = 0.9 / MOST_FPS

#: A source this many times as wide as the clip may be decoded less exactly without anyone seeing it.
_HASTY_FROM = 2.0


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """What a clip turned out to be.

    Attributes:
        duration_s: shorter than asked for where the video ends.
        sound: whether it has a sound track.
    """

    width: int
    height: int
    frames: int
    duration_s: float
    sound: bool


def cut_clip(
    path: Path,
    *,
    start_s: float,
    end_s: float,
    width: int,
    mute: bool,
    limits: VideoLimits,
    out: Path,
    threads: int = 1,
    on_frame: Callable[[], None] = lambda: None,
) -> ClipInfo:
    """Cut a passage out of a video, and write it to ``out`` as MP4: H.264, AAC stereo, index first.

    The first frame is the one on screen at ``start_s``; times begin at 0, and sound and picture stay on one
    clock: where either begins later or ends earlier, there is silence, or the nearest frame stands. The picture
    is upright, of square pixels, at most ``width`` of them wide and never enlarged, 8 bits 4:2:0, in the source's
    colours (BT.709 or BT.601, tagged), without interlacing, and of at most 30 frames a second.

    It runs where it is called, not in a child process as ingest does. Files that are cut have been decoded to
    the end by such a child, byte for byte (the caller compares size and time): what would crash a decoder never
    came into the index. A child would cost a copy of the code in memory for each clip that is made at a time,
    while the promise is a first byte in 400 ms. What is wrong with a file that was damaged since, libav's
    own checks turn into errors; what takes too long, ``on_frame`` ends.

    Args:
        end_s: at most :data:`LONGEST_S` after ``start_s``.
        out: a file that may be overwritten; not whole if anything is raised.
        threads: of the decoder; the encoder has one of its own beside them.
        on_frame: called for each decoded frame; what it raises ends the work.

    Raises:
        ValueError: the times are no passage.
        VideoError: the file is broken, beyond the limits, or has nothing at that time.
        OSError: ``out`` cannot be written.
    """
    if not 0 <= start_s < end_s or end_s - start_s > LONGEST_S + ROUNDING_S:
        raise ValueError(f"no passage: {start_s} to {end_s}")
    wanted_s = end_s - start_s
    with PassageReader(path, limits, threads=threads) as reader:
        sound = None if mute else read_sound(reader, start_s, end_s)
        if reader.info.width >= _HASTY_FROM * width:
            reader.hasten()
        pictures = _pictures(reader, start_s, wanted_s, on_frame)
        if (first := next(pictures, None)) is None:
            raise VideoError(VideoFault.NO_FRAMES)
        # Whenever it began: it is on screen from the clip's beginning.
        (held_s, held), shown_s = first, 0.0
        size = shown_size(held, reader.display_aspect, most=width)
        with ClipWriter(out, size=size, first=held, fps=reader.info.fps, sound=sound) as writer:
            for at_s, frame in pictures:
                if at_s >= wanted_s - ROUNDING_S:
                    length_s = wanted_s
                    break
                if at_s - held_s >= _SHORTEST_FRAME_S:
                    writer.show(held, shown_s, at_s)
                    held_s, held, shown_s = at_s, frame, at_s
            else:
                length_s = min(wanted_s, max(_declared_end(reader) - start_s, held_s + reader.frame_s))
            writer.show(held, shown_s, length_s)
    return ClipInfo(*size, frames=writer.frames, duration_s=length_s, sound=sound is not None)


def _pictures(
    reader: PassageReader, start_s: float, wanted_s: float, on_frame: Callable[[], None]
) -> Iterator[tuple[float, VideoFrame]]:
    """Frames with their ascending times in the clip, the first usually at 0 or before, to one beyond the end."""
    combs = Deinterlacer()
    last_s = -math.inf
    try:
        for frame in reader.frames_from(start_s, on_frame):
            at_s = reader.time_of(frame) - start_s
            if at_s > last_s:
                last_s = at_s
                yield from combs.push(at_s, frame)
            if at_s >= wanted_s - ROUNDING_S:
                break
        yield from combs.flush()
    except av.FFmpegError as error:
        raise VideoError(VideoFault.DAMAGED) from error


def _declared_end(reader: PassageReader) -> float:
    """When the video ends as far as its container knows; of an MPEG stream that is an estimate."""
    return 0.0 if reader.info.container in LEAPING else reader.info.duration_s
