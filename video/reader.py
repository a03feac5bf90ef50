"""Decoding a video file once, and sampling its frames on a fixed time grid."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.codec.context import CodecContext
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from video.extent import missing_bytes
from video.faults import VideoFault
from video.frame import shown_size, upright_rgb
from video.timeline import LEAP_S, LEAPING, UNTIMED, Timeline, grid_cell

#: Width and height that every frame is reduced to before it is described, whatever its aspect ratio.
FRAME_WIDTH, FRAME_HEIGHT = 256, 144

#: Demuxers that may open a file: containers of moving pictures. Left out on purpose are those that read other
#: files or hosts (concat, hls, dash, sdp, image sequences) and those that make a "video" of a still picture.
CONTAINERS = (
    "3gp,aa,amv,apng,asf,avi,avs2,avs3,av1,cavsvideo,dirac,dv,flv,gif,h261,h263,h264,hevc,ivf,live_flv,m4v,"
    "matroska,mj2,mov,mp4,mpeg,mpegts,mpegvideo,mxf,nut,obu,ogg,rm,swf,vc1,vvc,webm,wtv,xmv,y4m,yuv4mpegpipe"
)

#: Decoders that can be told to leave out frames that no other refers to, and whose every packet is a frame.
SKIPPING_CODECS = frozenset({"h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4", "vc1", "wmv3"})

#: No picture is that many times as wide as high, or as high as wide; a file may claim anything.
MOST_ASPECT = 16.0

#: Seconds before the time asked for at which decoding is tried, one after the other: MPEG streams have no
#: index of their keyframes, and other indexes may name one that comes too late.
REWINDS_S = (0.0, 1.0, 4.0, 16.0, 60.0)

#: Seconds by which a frame may come after one that is shown later than it: broken files only.
STALE_S = 2.0

#: Missing seconds at a track's end that are ordinary, by rounding.
TRACK_TOLERANCE_S = 1.0
#: The same where only the longest track is known: a sound track that outlasts the picture. AVI counts
#: pictures that were dropped, and those behind the last real one never come.
TAIL_TOLERANCE_S = 3.0
TAIL_TOLERANCE_RATIO = 0.02
#: Share of undecodable packets above which a file counts as damaged.
DAMAGE_TOLERANCE = 0.05


_SENTENCES = {
    VideoFault.UNREADABLE: "not a video file, or one of an unknown kind",
    VideoFault.NO_VIDEO: "has no video track",
    VideoFault.NO_FRAMES: "has a video track without a single decodable frame",
    VideoFault.TRUNCATED: "ends before its declared end",
    VideoFault.DAMAGED: "too many of its pictures cannot be decoded",
    VideoFault.TOO_LARGE: "is larger than the limits allow",
}


class VideoError(Exception):
    """A file that cannot be indexed; ``fault`` says why, ``str()`` in words for an operator."""

    def __init__(self, fault: VideoFault, detail: str = "") -> None:
        self.fault = fault
        self.detail = detail
        super().__init__(_SENTENCES[fault] + (f" ({detail})" if detail else ""))

    def __reduce__(self) -> tuple[type[VideoError], tuple[VideoFault, str]]:
        return type(self), (self.fault, self.detail)


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """What a video may be: pixels of a picture, and seconds of the whole."""

    max_pixels: int = 8192 * 4608
    max_duration_s: float = 12 * 3600.0


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a container says of its video track; ``duration_s`` is an estimate for MPEG streams, 0 if unknown."""

    width: int
    height: int
    fps: float
    duration_s: float
    codec: str
    container: str


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One frame of the grid: its time in seconds from the start, and (144, 256, 3) uint8 RGB."""

    time_s: float
    rgb: NDArray[np.uint8]


class VideoReader:
    """An open video file; a context manager.

    Args:
        path: an ordinary file.
        threads: decoder threads; 1 leaves the other cores to other files.

    Raises:
        VideoError: the file is no video, has no video track, or is beyond the limits.
    """

    def __init__(self, path: Path, limits: VideoLimits, *, threads: int = 1) -> None:
        self._path, self._limits = path, limits
        try:
            # A pipe or a device would be waited for, and read, without end.
            if not stat.S_ISREG(path.stat().st_mode):
                raise VideoError(VideoFault.UNREADABLE, "not an ordinary file")
            self._container: InputContainer = av.open(
                str(path.absolute()),
                options={"format_whitelist": CONTAINERS, "protocol_whitelist": "file"},
                metadata_errors="replace",
            )
        except (av.FFmpegError, ValueError, OSError) as error:
            raise VideoError(VideoFault.UNREADABLE) from error
        try:
            self._stream = self._video_stream()
            self.info = self._read_info()
            context = self._stream.codec_context
            context.thread_count = threads
            self._stream.thread_type = "AUTO" if threads > 1 else "SLICE"
            # Pictures may grow in the middle of a stream, beyond what the container says of them.
            context.options = {**context.options, "max_pixels": str(limits.max_pixels)}
        except BaseException:
            self._container.close()
            raise
        self._frame_s = 1 / (self.info.fps or 25.0)
        self._time_base = self._stream.time_base or Fraction(1, 90_000)
        self._origin_s = (self._container.start_time or 0) / 1_000_000
        self._timeline = Timeline(self.info.container, self._time_base, self._origin_s, self._frame_s)
        self._packets = self._bad_packets = self._frames = 0
        self._last_s = self._end_s = 0.0
        self._cut = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()

    def _video_stream(self) -> VideoStream:
        for stream in self._container.streams.video:
            if not stream.disposition & Disposition.attached_pic:
                return stream
        raise VideoError(VideoFault.NO_VIDEO)

    def _read_info(self) -> VideoInfo:
        stream, container = self._stream, self._container
        context: CodecContext | None = getattr(stream, "codec_context", None)
        if context is None:
            raise VideoError(VideoFault.UNREADABLE, "no decoder for its codec")
        if stream.width * stream.height > self._limits.max_pixels:
            raise VideoError(VideoFault.TOO_LARGE, f"{stream.width}x{stream.height}")
        duration_s = self._declared_length()[0] or (container.duration or 0) / 1_000_000
        # The clock of an MPEG stream may jump: how long it is shows only when all of it was read.
        if container.format.name not in LEAPING and duration_s > self._limits.max_duration_s:
            raise VideoError(VideoFault.TOO_LARGE, f"{duration_s:.0f} s")
        rate = stream.average_rate or stream.guessed_rate
        return VideoInfo(
            width=stream.width,
            height=stream.height,
            fps=float(rate) if rate else 0.0,
            duration_s=duration_s,
            codec=context.name,
            container=container.format.name,
        )

    def _declared_length(self) -> tuple[float, float]:
        """Seconds that the video track should last, and how much less is still ordinary.

        The track's own length is exact; the container's is that of its longest track. An MPEG stream
        declares nothing: what libavformat says of it was measured on the file as it is.
        """
        stream, container = self._stream, self._container
        origin_s = max(0.0, (container.start_time or 0) / 1_000_000)
        if container.format.name in LEAPING:
            return 0.0, 0.0
        if stream.duration is not None and stream.time_base is not None:
            tolerance_s = TAIL_TOLERANCE_S if container.format.name in UNTIMED else TRACK_TOLERANCE_S
            return float(stream.duration * stream.time_base), tolerance_s
        # Matroska's lengths may be the times of the end.
        if (tagged := _seconds(stream.metadata.get("DURATION", ""))) is not None:
            return max(0.0, tagged - origin_s), TRACK_TOLERANCE_S
        whole = (container.duration or 0) / 1_000_000
        return max(0.0, whole - origin_s), max(TAIL_TOLERANCE_S, TAIL_TOLERANCE_RATIO * whole)

    def samples(self, rate_hz: float, *, most: int | None = None) -> Iterator[Sample]:
        """Decode the file once and yield at most one frame for each cell of a ``1/rate_hz`` second grid.

        Every cell in which a frame is shown gets one, and times ascend (a file with a wrong time in it may
        step back). Frames that no other frame refers to (most B-frames) are not decoded where their cell
        already has a frame: they cost half of the decoding time of usual files and would be thrown away.

        Args:
            most: width that frames have at most as they are shown, in their own aspect; of 256 x 144 without it.

        Raises:
            VideoError: no frame decodes, the file ends early, or too much of it is damaged.
        """
        self._require_whole()
        reformatter, taken = VideoReformatter(), -1
        stale = max(1, round(STALE_S * rate_hz))
        for frame in self._decode(rate_hz):
            time_s = self.time_of(frame)
            if time_s > self._limits.max_duration_s:
                raise VideoError(VideoFault.TOO_LARGE, f"over {self._limits.max_duration_s:.0f} s")
            self._frames += 1
            self._last_s = max(self._last_s, time_s)
            self._end_s = max(self._end_s, time_s)
            # One time that is too late must not hide all that follows it.
            if taken - stale < (cell := grid_cell(time_s, rate_hz)) <= taken:
                continue
            try:
                shown = (
                    (FRAME_WIDTH, FRAME_HEIGHT)
                    if most is None
                    else shown_size(frame, self.display_aspect, most=most)
                )
                rgb = upright_rgb(reformatter, frame, *shown)
            except (av.FFmpegError, ValueError):
                self._bad_packets += 1
                continue
            taken = cell
            yield Sample(time_s, rgb)
        self._judge()

    def time_of(self, frame: VideoFrame) -> float:
        """Seconds from the beginning of the file at which a frame is shown."""
        return max(0.0, self._timeline.seconds(frame.pts or 0))

    def _decode(self, rate_hz: float) -> Iterator[VideoFrame]:
        """Decode on from here: all frames, or (``rate_hz`` above 0) those that the grid needs."""
        context, timeline = self._stream.codec_context, self._timeline
        context.skip_frame = "DEFAULT"
        skips = rate_hz and context.name in SKIPPING_CODECS and timeline.ordered_by_time
        filled: set[int] = set()
        for packet in self._demux():
            timeline.enter(packet)
            if packet.pts is not None:
                shown_s = timeline.seconds(packet.pts)
                lasts_s = float((packet.duration or 0) * self._time_base)
                self._end_s = max(self._end_s, shown_s + max(lasts_s, self._frame_s))
                if skips and not packet.is_discard:
                    cell = grid_cell(shown_s, rate_hz)
                    context.skip_frame = "NONREF" if cell in filled else "DEFAULT"
                    filled.add(cell)
            # Grid cells behind the reorder window cannot come up again: the set stays small.
            if len(filled) > 4096:
                newest = max(filled)
                filled = {cell for cell in filled if cell > newest - 1024}
            yield from self._frames_in(packet)

    def _frames_in(self, packet: Packet[VideoStream]) -> Iterator[VideoFrame]:
        """What comes out of the decoder for a packet, with its times put right; nothing of one that is broken."""
        try:
            frames = packet.decode()
        except (av.FFmpegError, ValueError):
            self._bad_packets += 1
            self._timeline.reject(packet)
            return
        for frame in frames:
            self._timeline.leave(frame)
            yield frame

    def _demux(self) -> Iterator[Packet[VideoStream]]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except (StopIteration, IndexError):
                # PyAV 18 stumbles, at the very end, over tracks that turned up in the middle of a file.
                return
            except av.FFmpegError:
                self._bad_packets += 1
                self._cut = True
                # What the decoder still holds comes out with an empty packet.
                rest: Packet[VideoStream] = Packet()  # type: ignore[assignment]
                rest.stream = self._stream
                yield rest
                return
            if packet.size:
                self._packets += 1
                self._bad_packets += packet.is_corrupt
                self._cut = packet.is_corrupt
            yield packet

    def _require_whole(self) -> None:
        try:
            missing = missing_bytes(self._path, self.info.container)
        except OSError as error:
            raise VideoError(VideoFault.UNREADABLE) from error
        if missing:
            raise VideoError(VideoFault.TRUNCATED, f"{missing} bytes are missing")

    def _judge(self) -> None:
        if not self._frames:
            raise VideoError(VideoFault.NO_FRAMES)
        # A broadcast's recording ends anywhere, in the middle of a picture too.
        if self._cut and self.info.container != "mpegts":
            raise VideoError(VideoFault.TRUNCATED, f"in the middle of a picture, at {self._end_s:.0f} s")
        declared_s, tolerance_s = self._declared_length()
        if self._end_s < declared_s - tolerance_s:
            raise VideoError(VideoFault.TRUNCATED, f"{self._end_s:.0f} of {declared_s:.0f} s")
        if self._bad_packets > max(1, DAMAGE_TOLERANCE * self._packets):
            raise VideoError(VideoFault.DAMAGED, f"{self._bad_packets} of {self._packets}")

    def frame_at(self, time_s: float, most_s: float) -> VideoFrame:
        """The frame on screen at ``time_s``: the last one that begins no later.

        Decoding starts at a keyframe before it and gives up after ``most_s`` seconds of video.

        Raises:
            VideoError: nothing can be decoded there.
        """
        if self._container.duration:
            # Of an MPEG stream it is an estimate.
            over_s = LEAP_S if self.info.container in LEAPING else 0.0
            time_s = min(time_s, self._container.duration / 1_000_000 + over_s)
        first: VideoFrame | None = None
        for rewind_s in REWINDS_S:
            if not self._seek(time_s - rewind_s):
                continue
            best: VideoFrame | None = None
            for frame in self._decode(0):
                first = first or frame
                at_s = self.time_of(frame)
                if at_s > time_s + 1e-3:
                    break
                best = frame
                if at_s < time_s - most_s:
                    break
            if best is not None:
                return best
        if first is None:
            raise VideoError(VideoFault.NO_FRAMES)
        return first

    def _seek(self, time_s: float) -> bool:
        """Go to the keyframe before a time; False if that is not possible."""
        self._timeline.restart()
        try:
            timestamp = int((time_s + self._origin_s) / self._time_base)
            self._container.seek(timestamp, stream=self._stream, backward=True)
        except av.FFmpegError:
            # A file without any index can still be read from its first byte.
            try:
                self._container.seek(0, stream=self._stream, unsupported_byte_offset=True)
            except av.FFmpegError:
                return False
        return True

    @property
    def display_aspect(self) -> float:
        """Width to height as it should be shown, pixels of any shape considered, before any turning."""
        ratio = self._stream.sample_aspect_ratio
        aspect = self.info.width / max(1, self.info.height) * (float(ratio) if ratio else 1.0)
        return min(max(aspect, 1 / MOST_ASPECT), MOST_ASPECT)

    def measured(self) -> VideoInfo:
        """:attr:`info` once all was decoded: with the length that was found where the declared one is none."""
        declared_s = 0.0 if self.info.container in LEAPING else self.info.duration_s
        if declared_s < self._last_s or not declared_s:
            return replace(self.info, duration_s=self._last_s + self._frame_s)
        return self.info

    @property
    def position_s(self) -> float:
        """How far decoding has come, in seconds of video."""
        return self._last_s


def _seconds(clock: str) -> float | None:
    """Seconds of a Matroska ``DURATION`` tag, ``HH:MM:SS.fraction``."""
    with contextlib.suppress(ValueError):
        hours, minutes, seconds = clock.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    return None
