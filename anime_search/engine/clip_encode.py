"""Writing a clip: H.264 and AAC in an MP4 file that can be sent, and played, while it is being made."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from anime_search.engine.clip_boxes import FragmentSink
from anime_search.engine.clip_sound import SOUND_RATE_HZ
from video.faults import VideoFault
from video.frame import colorspace_of, scaled
from video.reader import VideoError

#: Changes with whatever changes the bytes of a clip: part of the key of caches.
ENCODER_VERSION = "x264-2"

#: libx264's quickest preset with what makes files small at next to no time: on 1080p animation reduced to
#: 640 pixels 0.98 ms a frame for 174 kB in 3 s, against 0.92 ms and 389 kB of the bare preset and 1.43 ms and
#: 136 kB of the next one. It makes Main profile, which everything plays.
_X264 = {
    "preset": "ultrafast",
    "crf": "26",
    "a53cc": "0",
    "x264-params": "cabac=1:bframes=3:b-adapt=0:weightp=0:deblock=0,0:keyint=60:scenecut=0",
}
_SOUND_BITS_S = 128_000
_AAC_FRAME = 1024

_TIME_BASE = Fraction(1, 90_000)

#: A movie in fragments (ISO/IEC 14496-12, section 8.8): what says how it is coded comes first, and then pictures
#: and sound, a little at a time, each part with a table of its own; the one table of a file without fragments is
#: known only at its end. The description waits for the first pictures, whose times it depends on. A table of
#: keyframes at the end would name what only looked like some (see ``ClipWriter._part``).
_FRAGMENTS = {"movflags": "frag_keyframe+delay_moov+default_base_moof+skip_trailer"}
#: A fragment has at least this much, in seconds of decoding.
_FRAGMENT_S = 0.25

#: ``AVColorSpace``, ``AVColorPrimaries`` and ``AVColorTransferCharacteristic`` share these numbers.
_BT709, _SMPTE170M = 1, 6
#: Matrices of HD and beyond: BT.709, BT.2020 with and without constant luminance.
_HD_MATRICES = frozenset({1, 9, 10})


class ClipWriter:
    """An MP4 file in the making, piece by piece; a context manager that is left when :meth:`end` was called.

    Args:
        size: of the picture, in even numbers of square pixels.
        length_s: of the clip, as far as is known; players show it before they have seen all.
        first: a frame of the source, whose colours say how the clip's are coded.
        fps: frames a second of the source, for the encoder's planning only.
        sound: (2, N) float32 at :data:`SOUND_RATE_HZ` from the clip's beginning; None for a silent film.
    """

    def __init__(
        self,
        *,
        size: tuple[int, int],
        length_s: float,
        first: VideoFrame,
        fps: float,
        sound: NDArray[np.float32] | None,
    ) -> None:
        self._size, self._reformatter = size, VideoReformatter()
        self._matrix = Colorspace.ITU709 if colorspace_of(first) in _HD_MATRICES else Colorspace.ITU601
        self._pieces = FragmentSink(length_s)
        self._container: OutputContainer = av.open(self._pieces, "w", format="mp4", options=_FRAGMENTS)
        self._stream = self._add_picture(fps)
        self._sound = sound
        self._sound_stream = self._add_sound() if sound is not None else None
        self._sound_at = 0
        self._ends: dict[int, int] = {}
        self._first_dts: int | None = None
        self._fragment_dts, self._latest_pts = 0, -1
        self._shown_until = 0
        self.frames = 0

    def _add_picture(self, fps: float) -> VideoStream:
        rate = Fraction(fps).limit_denominator(1001) if 1 <= fps <= 120 else Fraction(25)
        stream = self._container.add_stream("libx264", rate=rate, options=dict(_X264))
        stream.width, stream.height = self._size
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.time_base = _TIME_BASE
        context.thread_count = 1
        tag = _BT709 if self._matrix == Colorspace.ITU709 else _SMPTE170M
        context.colorspace = context.color_primaries = context.color_trc = tag
        context.color_range = ColorRange.MPEG
        context.sample_aspect_ratio = Fraction(1)
        return stream

    def _add_sound(self) -> AudioStream:
        # The encoder's default search costs as much time as the picture.
        stream = self._container.add_stream("aac", rate=SOUND_RATE_HZ, options={"aac_coder": "fast"})
        stream.codec_context.layout = "stereo"
        stream.bit_rate = _SOUND_BITS_S
        return stream

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What a writer that was left early would still write is nobody's.
        with contextlib.suppress(av.FFmpegError, ValueError):
            self._container.close()

    def taken(self) -> bytes:
        """The bytes that have become ready since this was last asked for; mostly none."""
        return self._pieces.taken()

    def end(self) -> bytes:
        """Make the file whole; its last bytes."""
        packets = self._lasting(self._stream.encode(None))
        if packets and packets[-1].dts is not None and self._first_dts is not None:
            # Fragments tell how long a picture lasts from one time of decoding to the next. The last one decoded is
            # not always the last one shown, and yet the picture must end when that one does.
            packets[-1].duration = max(1, self._shown_until - (packets[-1].dts - self._first_dts))
        self._container.mux(packets)
        if self._sound_stream is not None:
            self._container.mux(self._sound_stream.encode(None))
        self._container.close()
        return self.taken()

    def show(self, frame: VideoFrame, from_s: float, to_s: float) -> None:
        """Show a frame of the source, turned upright, between two times of the clip; and let its sound be heard.

        Raises:
            VideoError: the frame cannot be scaled.
        """
        try:
            picture = self._reduced(frame)
        except (av.FFmpegError, ValueError) as error:
            raise VideoError(VideoFault.DAMAGED) from error
        picture.pts, picture.time_base = round(from_s / _TIME_BASE), _TIME_BASE
        self._ends[picture.pts] = self._shown_until = round(to_s / _TIME_BASE)
        self._container.mux(self._lasting(self._stream.encode(picture)))
        self._hear_until(to_s)
        self.frames += 1

    def _reduced(self, frame: VideoFrame) -> VideoFrame:
        small, quarters = scaled(self._reformatter, frame, *self._size, self._matrix)
        if not quarters:
            # The encoder would repeat the kind (I, P, B) that the frame had in the source.
            small.pict_type = PictureType.NONE
            return small
        planes = [
            np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)[
                :, : plane.width
            ]
            for plane in small.planes
        ]
        turned = np.concatenate([np.rot90(plane, quarters).ravel() for plane in planes])
        # A new frame: the old one still asks to be turned.
        return VideoFrame.from_ndarray(turned.reshape(-1, self._size[0]), format="yuv420p")

    def _lasting(self, packets: list[Packet[VideoStream]]) -> list[Packet[VideoStream]]:
        """Packets with the time that their frames are shown: of the last one nothing else says it."""
        for packet in packets:
            if packet.pts is not None and packet.dts is not None:
                self._part(packet, packet.pts, packet.dts)
            if packet.pts is not None and packet.pts in self._ends:
                packet.duration = self._ends.pop(packet.pts) - packet.pts
        return packets

    def _part(self, packet: Packet[VideoStream], pts: int, dts: int) -> None:
        """Let a fragment begin with a packet, where it is time and no frame is missing in what came before.

        Frames come in the order of decoding. Firefox takes each fragment's frames by themselves for all that there
        are of a stretch of time, and after a jump shows the wrong one where a neighbour has some of them.
        libavformat begins a fragment with each keyframe, and so the packet is said to be one; the sink takes that
        back.
        """
        if self._first_dts is None:
            self._first_dts = dts
        whole = all(shown_at > self._latest_pts for shown_at in self._ends)
        due = whole and dts - self._fragment_dts >= _FRAGMENT_S / _TIME_BASE
        self._latest_pts = max(self._latest_pts, pts)
        if packet.is_keyframe or due:
            self._pieces.expect(keyframe=packet.is_keyframe)
            packet.is_keyframe, self._fragment_dts = True, dts

    def _hear_until(self, time_s: float) -> None:
        if self._sound is None or self._sound_stream is None:
            return
        until = min(round(time_s * SOUND_RATE_HZ), self._sound.shape[1])
        while self._sound_at < until:
            last = min(self._sound_at + _AAC_FRAME, until)
            samples = np.ascontiguousarray(self._sound[:, self._sound_at : last])
            piece = AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
            piece.sample_rate, piece.time_base = SOUND_RATE_HZ, Fraction(1, SOUND_RATE_HZ)
            piece.pts = self._sound_at
            self._container.mux(self._sound_stream.encode(piece))
            self._sound_at = last
