"""A cheap look over a whole video: small pictures on a time grid, and what was measured on the way."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import av
import cv2
import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from deepfake.engine.compression import TELL_QUANTISERS, Compression
from video.faults import VideoFault
from video.frame import colorspace_of
from video.reader import VideoError, VideoLimits, VideoReader
from video.timeline import LEAPING, grid_cell

#: Told how much of the work is done, 0 to 1.
Share = Callable[[float], None]

#: A picture is at most this many times as long as it is wide while it is held; a strip would take the memory of many.
MOST_STRETCH = 4
#: Width and height of the luma that frames are compared by.
THUMB = (32, 18)
#: Frames whose blocks are measured, spread over the video.
_MEASURED = 12


@dataclass(frozen=True, slots=True)
class ScanLimits:
    """What looking over a video may cost.

    Attributes:
        span_s: seconds of video that are decoded; of a longer one, passages that are spread over it.
        pixels: that are decoded; what is left of ``span_s`` for large pictures and high frame rates. 2e9 are 72 s of
            720p at 30 frames a second, and took one core of 2020 some eight seconds.
        held: pictures that are held at most.
        video: what a video may be at all; a longer one is refused, however little of it would be decoded.
    """

    span_s: float = 60.0
    pixels: float = 2e9
    held: int = 240
    video: VideoLimits = field(default_factory=lambda: VideoLimits(max_pixels=4096 * 2304))


class TooLong(VideoError):
    """A video that lasts longer than it may."""

    def __init__(self, fault: VideoFault = VideoFault.TOO_LARGE, detail: str = "") -> None:
        super().__init__(fault, detail)


@dataclass(frozen=True, slots=True, eq=False)
class Glimpse:
    """One picture of the grid.

    Attributes:
        time_s: from the start of the video.
        passage: number of the passage that it was decoded in; between two passages lies video that was not.
        yuv: (H * 3 / 2, W) uint8, I420 as it is stored.
        quarters: turns by 90 degrees, counter-clockwise, that put it upright.
        thumb: (18, 32) float32 luma, 0 to 255.
        colours: (128,) float32, the shares of 8 x 4 x 4 classes of colour.
        luma: mean, 16 to 235.
        spread: standard deviation of the luma.
    """

    time_s: float
    passage: int
    yuv: NDArray[np.uint8]
    quarters: int
    thumb: NDArray[np.float32]
    colours: NDArray[np.float32]
    luma: float
    spread: float

    def rgb(self) -> NDArray[np.uint8]:
        """The picture upright: (H, W, 3) uint8 RGB."""
        picture = cv2.cvtColor(self.yuv, cv2.COLOR_YUV2RGB_I420)
        return np.ascontiguousarray(np.rot90(picture, self.quarters), np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """A video, looked over.

    Attributes:
        glimpses: in order of time, at least one, all of one size.
        step_s: seconds from one to the next inside a passage.
        width, height: as the video is shown, before it was reduced.
        duration_s: as declared, or measured where nothing is, or only an estimate.
        bits_per_pixel: of the packets that were read.
        blockiness, quantiser: see :mod:`deepfake.engine.compression`; None where they could not be measured.
    """

    glimpses: tuple[Glimpse, ...]
    step_s: float
    width: int
    height: int
    fps: float
    duration_s: float
    codec: str
    container: str
    bits_per_pixel: float
    blockiness: float | None
    quantiser: float | None


class ScanReader(VideoReader):
    """An open video of which passages are read. What is cut off or damaged is left out, not refused.

    Args and errors: those of :class:`~video.reader.VideoReader`.
    """

    packet_bytes = 0
    packets_read = 0
    frames_decoded = 0

    def __init__(self, path: Path, limits: VideoLimits, *, threads: int = 1) -> None:
        # Here alone a video that is too long is told from one whose pictures are too large.
        super().__init__(path, replace(limits, max_duration_s=math.inf), threads=threads)
        self._most_s = limits.max_duration_s
        context = self._stream.codec_context
        context.options = {**context.options, **TELL_QUANTISERS}

    def _demux(self) -> Iterator[Packet[VideoStream]]:
        for packet in super()._demux():
            self.packet_bytes += packet.size
            self.packets_read += bool(packet.size)
            yield packet

    def passage(
        self, start_s: float, length_s: float, rate_hz: float, *, most_frames: int
    ) -> Iterator[tuple[float, VideoFrame]]:
        """Frames of a ``1/rate_hz`` second grid, with their times, from the keyframe before ``start_s`` on.

        Nothing is decoded that is not part of the passage: it begins at the keyframe, not at ``start_s``.

        Args:
            start_s: 0 for the beginning of the file, where nothing is sought.
            most_frames: that are decoded.
        """
        if start_s > 0 and not self._seek(start_s):
            return
        begun_s, taken = -1.0, -1
        for frame in self._decode(rate_hz):
            self.frames_decoded += 1
            most_frames -= 1
            time_s = self.time_of(frame)
            if begun_s < 0:
                begun_s = time_s
            if time_s >= begun_s + length_s or most_frames < 0:
                return
            cell = grid_cell(time_s, rate_hz)
            if cell != taken and not frame.is_corrupt:
                taken = cell
                yield time_s, frame

    @property
    def declared_s(self) -> float:
        """Seconds that the video lasts, as its container says; 0 where that says nothing, or may well be wrong."""
        return 0.0 if self.info.container in LEAPING else self.info.duration_s

    def measured_s(self) -> float:
        """Seconds that the video lasts, by its packets, none of which is decoded; to be asked before all else.

        Raises:
            TooLong: it is longer than the limit; no more is read than it takes to know.
        """
        end_s, packets = 0.0, 0
        for packet in super()._demux():
            if not packet.size:
                continue
            self._timeline.enter(packet)
            packets += 1
            # Of a bare stream nothing says when a picture is shown.
            end_s = max(end_s, packets * self._frame_s if packet.pts is None else self._end_of(packet))
            self.require_within(end_s)
        return end_s

    def _end_of(self, packet: Packet[VideoStream]) -> float:
        lasts_s = float((packet.duration or 0) * self._time_base)
        return self._timeline.seconds(packet.pts or 0) + (lasts_s or self._frame_s)

    def require_within(self, time_s: float) -> None:
        """Refuse a video that lasts until then, or shows something then.

        Raises:
            TooLong: it does.
        """
        if time_s > self._most_s:
            raise TooLong(detail=f"over {self._most_s:.0f} s")

    def rewind(self) -> bool:
        """Go back to the beginning; False if that is not possible."""
        return self._seek(0.0)

    @property
    def shown_aspect(self) -> float:
        """Width to height of the pictures as stored, the shape of their pixels considered."""
        return self.display_aspect


def scan_video(
    path: Path,
    *,
    short_side: int,
    rate_hz: float,
    passages: int,
    limits: ScanLimits,
    threads: int = 1,
    on_share: Share = lambda _share: None,
) -> Scan:
    """Look over a video: all of it if it is short, else passages that are spread over its length.

    Args:
        short_side: pixels of the shorter side of the pictures.
        rate_hz: pictures a second, at most.
        passages: into which a long video is split.
        threads: of the decoder.

    Raises:
        TooLong: it lasts longer than it may.
        VideoError: it is no video, beyond the limits, or nothing in it can be decoded.
    """
    with ScanReader(path, limits.video, threads=threads) as reader:
        reader.require_within(reader.declared_s)
        length_s = reader.declared_s or _measured_s(path, limits.video)
        return _Scanner(reader, short_side, rate_hz, limits, on_share).run(passages, length_s)


def _measured_s(path: Path, limits: VideoLimits) -> float:
    # A reader of its own: not every stream can be gone back in.
    with ScanReader(path, limits) as reader:
        return reader.measured_s()


class _Scanner:
    """One look over one video."""

    def __init__(
        self, reader: ScanReader, short_side: int, rate_hz: float, limits: ScanLimits, on_share: Share
    ) -> None:
        self._reader, self._short_side, self._on_share = reader, short_side, on_share
        info = reader.info
        pixels = max(1, info.width * info.height)
        fps = info.fps if 0 < info.fps <= 1000 else 30.0
        self._most_frames = max(8, int(limits.pixels / pixels))
        self._span_s = max(0.5, min(limits.span_s, self._most_frames / fps))
        self._held = limits.held
        self._rate_hz = min(rate_hz, limits.held / min(self._span_s, info.duration_s or self._span_s))
        self._reformatter = VideoReformatter()
        self._compression = Compression()
        self._size: tuple[int, int] | None = None
        self._shown = (info.width, info.height)
        self._glimpses: list[Glimpse] = []
        self._end_s = 0.0

    def run(self, passages: int, length_s: float) -> Scan:
        """See :func:`scan_video`; ``length_s`` is what the video was found to last."""
        duration_s = self._reader.info.duration_s
        if duration_s <= self._span_s:
            self._read(0, 0.0, self._span_s, self._most_frames)
        else:
            self._read_passages(passages, duration_s)
        if not self._glimpses:
            raise VideoError(VideoFault.NO_FRAMES)
        return self._result(length_s)

    def _read_passages(self, passages: int, duration_s: float) -> None:
        length_s, most = self._span_s / passages, max(1, self._most_frames // passages)
        repeated = 0
        for number in range(passages):
            start_s = duration_s * number / passages
            repeated += not self._read(number, start_s, length_s, most)
        if repeated > passages / 2 and self._reader.rewind():
            # Hardly any keyframes to go to: what can be seen cheaply is the beginning, without a gap.
            left = self._most_frames - self._reader.frames_decoded
            self._read(0, 0.0, self._span_s, max(left, most))
        self._glimpses.sort(key=lambda glimpse: glimpse.time_s)

    def _read(self, passage: int, start_s: float, length_s: float, most_frames: int) -> bool:
        """Read a passage; False if it is one that was read before, or nothing is there."""
        found = False
        decoded = self._reader.passage(start_s, length_s, self._rate_hz, most_frames=most_frames)
        for time_s, frame in decoded:
            self._reader.require_within(time_s)
            if len(self._glimpses) >= self._held:
                break
            if self._glimpses and time_s <= self._end_s:
                if start_s > 0:
                    return False
                continue
            if (glimpse := self._glimpse(time_s, passage, frame)) is not None:
                self._glimpses.append(glimpse)
                found = True
            self._end_s = time_s
            self._on_share(min(1.0, len(self._glimpses) / self._expected()))
        return found

    def _expected(self) -> float:
        return max(1.0, self._rate_hz * min(self._span_s, self._reader.info.duration_s or self._span_s))

    def _glimpse(self, time_s: float, passage: int, frame: VideoFrame) -> Glimpse | None:
        quarters = round(frame.rotation / 90) % 4
        if self._size is None:
            self._size = self._stored_size(frame)
            turned = quarters % 2
            width, height = max(1, round(frame.height * self._reader.shown_aspect)), frame.height
            self._shown = (height, width) if turned else (width, height)
        try:
            small = self._reformatter.reformat(
                frame,
                *self._size,
                "yuv420p",
                src_colorspace=colorspace_of(frame),
                dst_colorspace=Colorspace.ITU601,
                dst_color_range=ColorRange.MPEG,
                # As FFmpeg scales unless it is told otherwise: the models learnt from videos that it made smaller.
                interpolation=Interpolation.BICUBIC,
                threads=1,
            )
            yuv = small.to_ndarray()
        except (av.FFmpegError, ValueError):
            return None
        every = max(1, int(self._expected() / _MEASURED))
        if len(self._glimpses) % every == 0:
            self._compression.add(frame)
        return _glimpse_of(time_s, passage, np.asarray(yuv, np.uint8), quarters)

    def _stored_size(self, frame: VideoFrame) -> tuple[int, int]:
        """Even width and height, not yet turned, of the reduced pictures."""
        aspect = min(max(self._reader.shown_aspect, 1 / MOST_STRETCH), MOST_STRETCH)
        wide, high = max(aspect, 1.0), max(1 / aspect, 1.0)
        return 2 * round(self._short_side * wide / 2), 2 * round(self._short_side * high / 2)

    def _result(self, length_s: float) -> Scan:
        reader = self._reader
        frame_s = 1 / reader.info.fps if reader.info.fps > 0 else 0.0
        packets, pixels = max(1, reader.packets_read), max(1, reader.info.width * reader.info.height)
        return Scan(
            glimpses=tuple(self._glimpses),
            step_s=max(1 / self._rate_hz, frame_s),
            width=self._shown[0],
            height=self._shown[1],
            fps=reader.info.fps,
            duration_s=max(length_s, self._glimpses[-1].time_s + frame_s),
            codec=reader.info.codec,
            container=reader.info.container,
            bits_per_pixel=8 * reader.packet_bytes / packets / pixels,
            blockiness=self._compression.blockiness,
            quantiser=self._compression.quantiser,
        )


def _glimpse_of(time_s: float, passage: int, yuv: NDArray[np.uint8], quarters: int) -> Glimpse:
    height = yuv.shape[0] * 2 // 3
    luma = np.ascontiguousarray(yuv[:height])
    half = yuv.shape[1] // 2
    chroma = yuv[height:].reshape(-1)
    planes = chroma[: 2 * half * (height // 2)].reshape(2, height // 2, half)
    twice = (2 * THUMB[0], 2 * THUMB[1])
    small, blue, red = (
        cv2.resize(np.ascontiguousarray(plane), twice, interpolation=cv2.INTER_AREA)
        for plane in (luma, *planes)
    )
    classes = small // 32 * 16 + blue // 64 * 4 + red // 64
    colours = (np.bincount(classes.reshape(-1), minlength=128) / classes.size).astype(np.float32)
    mean, deviation = cv2.meanStdDev(luma)
    thumb = cv2.resize(small, THUMB, interpolation=cv2.INTER_AREA).astype(np.float32)
    return Glimpse(time_s, passage, yuv, quarters, thumb, colours, float(mean[0, 0]), float(deviation[0, 0]))
