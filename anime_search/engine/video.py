"""Decoding a video file once, and sampling its frames on a fixed time grid."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import cv2
import numpy as np
from av.codec.context import CodecContext
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

#: Width and height that every frame is reduced to before it is described, whatever its aspect ratio.
FRAME_WIDTH, FRAME_HEIGHT = 256, 144

#: Demuxers that may open a file: containers of moving pictures. Left out on purpose are those that read other
#: files or hosts (concat, hls, dash, sdp, image sequences) and those that make a "video" of a still picture.
CONTAINERS = (
    "3gp,aa,amv,apng,asf,avi,avs2,avs3,av1,cavsvideo,dirac,dv,flv,gif,h261,h263,h264,hevc,ivf,live_flv,m4v,"
    "matroska,mj2,mov,mp4,mpeg,mpegts,mpegvideo,mxf,nut,obu,ogg,rm,swf,vc1,vvc,webm,wtv,xmv,y4m,yuv4mpegpipe"
)

#: A frame whose file does not say how its colours are coded (libavutil, ``AVColorSpace``).
AVCOL_SPC_UNSPECIFIED = 2

#: Missing seconds at a file's end that are ordinary: a sound track that outlasts the picture.
TAIL_TOLERANCE_S = 3.0
TAIL_TOLERANCE_RATIO = 0.02
#: Share of undecodable packets above which a file counts as damaged.
DAMAGE_TOLERANCE = 0.05


class VideoFault(StrEnum):
    """Why a file cannot be indexed."""

    UNREADABLE = "unreadable"
    NO_VIDEO = "no_video"
    NO_FRAMES = "no_frames"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    TOO_LARGE = "too_large"


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
    """What a container says of its video track; ``duration_s`` is 0 where it does not say."""

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
        self._limits = limits
        try:
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
            self._stream.codec_context.thread_count = threads
            self._stream.thread_type = "AUTO" if threads > 1 else "SLICE"
        except BaseException:
            self._container.close()
            raise
        self._origin_s = (self._container.start_time or 0) / 1_000_000
        self._packets = self._bad_packets = self._frames = 0
        self._last_s = 0.0

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
        duration_s = self._declared_end()[0]
        if duration_s > self._limits.max_duration_s:
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

    def _declared_end(self) -> tuple[float, float]:
        """Seconds that the video track should last, and how much less is still ordinary.

        The track's own length is exact; the container's is that of its longest track.
        """
        stream = self._stream
        if stream.duration is not None and stream.time_base is not None:
            return float(stream.duration * stream.time_base), 1.0
        if (tagged := _seconds(stream.metadata.get("DURATION", ""))) is not None:
            return tagged, 1.0
        whole = (self._container.duration or 0) / 1_000_000
        return whole, max(TAIL_TOLERANCE_S, TAIL_TOLERANCE_RATIO * whole)

    def samples(self, rate_hz: float) -> Iterator[Sample]:
        """Decode the file once and yield at most one frame for each cell of a ``1/rate_hz`` second grid.

        Frames that no other frame refers to (most B-frames) are not decoded where their cell already has
        a frame: they cost half of the decoding time of usual files and would be thrown away.

        Raises:
            VideoError: no frame decodes, the file ends early, or too much of it is damaged.
        """
        reformatter, taken = VideoReformatter(), -1
        for frame in self._decode(rate_hz):
            time_s = self.time_of(frame)
            if time_s > self._limits.max_duration_s:
                raise VideoError(VideoFault.TOO_LARGE, f"over {self._limits.max_duration_s:.0f} s")
            self._frames += 1
            self._last_s = max(self._last_s, time_s)
            if (cell := int(time_s * rate_hz)) == taken:
                continue
            taken = cell
            # Scaling to RGB in one step would take swscale almost three times as long.
            small = reformatter.reformat(
                frame,
                FRAME_WIDTH,
                FRAME_HEIGHT,
                "yuv420p",
                src_colorspace=_colorspace(frame),
                dst_colorspace=Colorspace.ITU601,
                dst_color_range=ColorRange.MPEG,
                interpolation=Interpolation.AREA,
            )
            rgb = np.asarray(cv2.cvtColor(small.to_ndarray(), cv2.COLOR_YUV2RGB_I420), np.uint8)
            if frame.rotation % 360:
                rgb = _upright(frame, rgb)
            yield Sample(time_s, rgb)
        self._judge()

    def time_of(self, frame: VideoFrame) -> float:
        """Seconds from the beginning of the file at which a frame is shown."""
        at_s: float | None = frame.time
        if at_s is None:
            return self._frames / (self.info.fps or 25.0)
        return max(0.0, at_s - self._origin_s)

    def _decode(self, rate_hz: float) -> Iterator[VideoFrame]:
        """Decode on from here: all frames, or (``rate_hz`` above 0) those that the grid needs."""
        context = self._stream.codec_context
        filled: set[int] = set()
        for packet in self._demux():
            # Grid cells behind the reorder window cannot come up again: the set stays small.
            if len(filled) > 4096:
                newest = max(filled)
                filled = {cell for cell in filled if cell > newest - 1024}
            if rate_hz and packet.pts is not None and packet.time_base:
                cell = int(max(0.0, float(packet.pts * packet.time_base) - self._origin_s) * rate_hz)
                context.skip_frame = "NONREF" if cell in filled else "DEFAULT"
                filled.add(cell)
            try:
                yield from packet.decode()
            except (av.InvalidDataError, av.FFmpegError, ValueError):
                self._bad_packets += 1

    def _demux(self) -> Iterator[Packet[VideoStream]]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.FFmpegError:
                self._bad_packets += 1
                return
            self._packets += packet.size > 0
            self._bad_packets += packet.is_corrupt
            yield packet

    def _judge(self) -> None:
        if not self._frames:
            raise VideoError(VideoFault.NO_FRAMES)
        declared_s, tolerance_s = self._declared_end()
        if self._last_s + 1 / (self.info.fps or 25.0) < declared_s - tolerance_s:
            raise VideoError(VideoFault.TRUNCATED, f"{self._last_s:.0f} of {declared_s:.0f} s")
        # MP4 and AVI count their frames: one that is missing at the end is a cut file however short.
        if self._stream.frames and self._packets < self._stream.frames:
            raise VideoError(VideoFault.TRUNCATED, f"{self._packets} of {self._stream.frames} pictures")
        if self._bad_packets > max(1, DAMAGE_TOLERANCE * self._packets):
            raise VideoError(VideoFault.DAMAGED, f"{self._bad_packets} of {self._packets}")

    def frame_at(self, time_s: float, most_s: float) -> VideoFrame:
        """The frame on screen at ``time_s``: the last one that begins no later.

        Decoding starts at the keyframe before it and gives up after ``most_s`` seconds of video.

        Raises:
            VideoError: nothing can be decoded there.
        """
        stream = self._stream
        base = float(stream.time_base or 1)
        try:
            self._container.seek(int((time_s + self._origin_s) / base), stream=stream, backward=True)
        except av.FFmpegError as error:
            raise VideoError(VideoFault.DAMAGED) from error
        best: VideoFrame | None = None
        for frame in self._decode(0):
            at_s = self.time_of(frame)
            if best is not None and at_s > time_s + 1e-3:
                break
            best = frame
            if at_s < time_s - most_s:
                break
        if best is None:
            raise VideoError(VideoFault.NO_FRAMES)
        return best

    @property
    def display_aspect(self) -> float:
        """Width to height as it should be shown, pixels of any shape considered."""
        ratio = self._stream.sample_aspect_ratio
        return (self.info.width / self.info.height) * (float(ratio) if ratio else 1.0)

    @property
    def position_s(self) -> float:
        """How far decoding has come, in seconds of video."""
        return self._last_s


def _colorspace(frame: VideoFrame) -> int:
    """The matrix of a frame's colours. Untagged video of HD size is BT.709 by custom, smaller is BT.601."""
    if frame.colorspace != AVCOL_SPC_UNSPECIFIED:
        return int(frame.colorspace)
    return int(Colorspace.ITU709 if frame.height >= 720 else Colorspace.ITU601)


def _upright(frame: VideoFrame, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn a picture as its display matrix asks, in quarters; back in the common size."""
    turned = np.rot90(rgb, round(frame.rotation / 90) % 4)
    return np.asarray(cv2.resize(turned, (FRAME_WIDTH, FRAME_HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)


def _seconds(clock: str) -> float | None:
    """Seconds of a Matroska ``DURATION`` tag, ``HH:MM:SS.fraction``."""
    with contextlib.suppress(ValueError):
        hours, minutes, seconds = clock.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    return None
