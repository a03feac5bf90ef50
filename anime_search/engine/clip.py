"""A passage of a video file as a small MP4 clip."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
from av.video.frame import VideoFrame

from anime_search.engine.clip_encode import ClipWriter
from anime_search.engine.clip_sound import read_sound
from anime_search.engine.deinterlace import Deinterlacer
from anime_search.engine.passage import ROUNDING_S, PassageReader
from video.faults import VideoFault
from video.frame import shown_size
from video.reader import VideoError, VideoLimits
from video.timeline import LEAPING

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
    """Cut a passage out of a video as :func:`clip_pieces` does, and write it to ``out``.

    Args:
        out: a file that may be overwritten; not whole if anything is raised.

    Raises:
        ValueError, VideoError: as :func:`clip_pieces`.
        OSError: ``out`` cannot be written.
    """
    pieces = clip_pieces(
        path,
        start_s=start_s,
        end_s=end_s,
        width=width,
        mute=mute,
        limits=limits,
        threads=threads,
        on_frame=on_frame,
    )
    with out.open("wb") as file:
        while True:
            try:
                piece = next(pieces)
            except StopIteration as end:
                info: ClipInfo = end.value
                return info
            file.write(piece)


def clip_pieces(
    path: Path,
    *,
    start_s: float,
    end_s: float,
    width: int,
    mute: bool,
    limits: VideoLimits,
    threads: int = 1,
    on_frame: Callable[[], None] = lambda: None,
) -> Generator[bytes, None, ClipInfo]:
    """Cut a passage out of a video as MP4: H.264, AAC stereo, a quarter of a second at a time.

    The bytes come as they are ready, and are never changed afterwards: the first piece, which comes after the way
    from the keyframe before the start and some ten frames, can be played already.

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
        threads: of the decoder; the encoder has one of its own beside them.
        on_frame: called for each decoded frame; what it raises ends the work.

    Yields:
        Bytes of the file, in order; closing the generator ends the work.

    Returns:
        What the clip turned out to be.

    Raises:
        ValueError: the times are no passage.
        VideoError: the file is broken, beyond the limits, or has nothing at that time.
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
        fps, planned_s = reader.info.fps, _planned(reader, start_s, wanted_s)
        with ClipWriter(size=size, length_s=planned_s, first=held, fps=fps, sound=sound) as writer:
            for at_s, frame in pictures:
                if at_s >= wanted_s - ROUNDING_S:
                    length_s = wanted_s
                    break
                if at_s - held_s >= _SHORTEST_FRAME_S:
                    writer.show(held, shown_s, at_s)
                    held_s, held, shown_s = at_s, frame, at_s
                    if piece := writer.taken():
                        yield piece
            else:
                length_s = min(wanted_s, max(_declared_end(reader) - start_s, held_s + reader.frame_s))
            writer.show(held, shown_s, length_s)
            yield writer.end()
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


def _planned(reader: PassageReader, start_s: float, wanted_s: float) -> float:
    """The length of a clip before its last frame is known."""
    left_s = _declared_end(reader) - start_s
    return min(wanted_s, left_s) if left_s > 0 else wanted_s


def _declared_end(reader: PassageReader) -> float:
    """When the video ends as far as its container knows; of an MPEG stream that is an estimate."""
    return 0.0 if reader.info.container in LEAPING else reader.info.duration_s
