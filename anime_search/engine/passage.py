"""A passage of a video file: its frames from the one on screen at the start, and its sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import chain

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from video.extent import missing_bytes
from video.faults import VideoFault
from video.reader import REWINDS_S, SKIPPING_CODECS, VideoError, VideoReader
from video.timeline import LEAPING, UNTIMED, Timeline

#: Times are kept in milliseconds elsewhere: a frame may begin this many seconds after the time asked for.
ROUNDING_S = 1e-3

#: How far beyond the end a passage may begin: a container's length is not exact to the frame.
END_TOLERANCE_S = 1.0

#: Frames decoded at most to come from a keyframe to the start: 30 s at 60 a second.
MOST_FRAMES_BEFORE = 1800

#: Packets, and bytes of them, that are looked at ahead of decoding.
_MOST_AHEAD, _MOST_AHEAD_BYTES = 8192, 64 << 20

#: Seconds before the start at which reading of sound begins, one after the other: sound and picture of one
#: time may lie apart in a file.
_SOUND_REWINDS_S = (1.0, 5.0, 30.0)
#: Seconds of sound that are decoded before the start, for codecs whose frames overlap, and read beyond the end.
_SOUND_LEAD_S, _SOUND_TAIL_S = 0.3, 1.0
#: Packets of sound that are read for one passage, at most: raw ones may hold a few samples each.
_MOST_SOUND_PACKETS = 50_000


class PassageReader(VideoReader):
    """An open video file of which a passage is wanted. The picture is read first or the sound, as one likes."""

    def hasten(self) -> None:
        """Decode a little less exactly: for a picture that is shown much smaller than it is stored.

        Only keyframes are deblocked. What that adds up to by the end of a group was measured on 1080p animation
        reduced to 640 pixels: 46 dB (PSNR) in the worst frame, far above what the encoder then loses, for a
        fifth of the decoding time.
        To be called before anything is decoded.
        """
        context = self._stream.codec_context
        context.options = {**context.options, "skip_loop_filter": "nokey"}

    @property
    def frame_s(self) -> float:
        """Seconds that a frame is shown where nothing says."""
        return self._frame_s

    def frames_from(
        self, start_s: float, on_frame: Callable[[], None] = lambda: None
    ) -> Iterator[VideoFrame]:
        """The frame on screen at ``start_s``, which is the last that begins no later, and all after it.

        Packets are looked at before they are decoded: of those before the start only what later frames
        refer to, from the last keyframe on, is decoded. Where the video begins later than ``start_s``, its
        first frame comes first.

        Args:
            on_frame: called for each decoded frame, also those before the start; what it raises ends the work.

        Raises:
            VideoError: nothing can be decoded there, or only after too much else.
        """
        for rewind_s in REWINDS_S:
            final = start_s - rewind_s < 0 or rewind_s == REWINDS_S[-1]
            if not self._go_to(start_s - rewind_s):
                continue
            packets = self._entered()
            ahead = self._look_ahead(packets, start_s)
            if not (needed := self._needed(ahead, start_s - rewind_s)) and not final:
                continue
            shown: VideoFrame | None = None
            passed = 0
            frames = self._decode_passage(chain(needed or ahead, packets), self._on_screen(ahead, start_s))
            for frame in frames:
                on_frame()
                if self.time_of(frame) > start_s + ROUNDING_S:
                    if shown is not None:
                        return chain([shown, frame], _watched(frames, on_frame))
                    if final:
                        return chain([frame], _watched(frames, on_frame))
                    break
                if (passed := passed + 1) > MOST_FRAMES_BEFORE:
                    raise VideoError(VideoFault.TOO_LARGE, "no keyframe for too long")
                shown = frame
            if shown is not None:
                self._require_lasting(self.time_of(shown), start_s)
                return iter([shown])
        raise VideoError(VideoFault.NO_FRAMES, f"at {start_s:.0f} s")

    def _go_to(self, time_s: float) -> bool:
        # Before the beginning of an AVI file, libavformat's count of the frames would go wrong; in an MPEG
        # stream the beginning is found only from before it.
        return self._seek(max(0.0, time_s) if self.info.container in UNTIMED else time_s)

    def _require_lasting(self, last_s: float, time_s: float) -> None:
        """Whether the last frame that there is can be on screen still at a time: a slide show's is, for long."""
        if time_s <= last_s + self._frame_s + END_TOLERANCE_S:
            return
        if self._cut or missing_bytes(self._path, self.info.container):
            raise VideoError(VideoFault.TRUNCATED, f"at {last_s:.0f} s")
        if time_s > self.info.duration_s + END_TOLERANCE_S:
            raise VideoError(VideoFault.NO_FRAMES, f"at {time_s:.0f} s")

    def _entered(self) -> Iterator[Packet[VideoStream]]:
        for packet in self._demux():
            self._timeline.enter(packet)
            yield packet

    def _look_ahead(self, packets: Iterator[Packet[VideoStream]], time_s: float) -> list[Packet[VideoStream]]:
        """Packets until none can come any more that is shown at ``time_s`` or before."""
        ahead, size = [], 0
        for packet in packets:
            ahead.append(packet)
            size += packet.size
            # No frame is shown before it is decoded.
            if packet.dts is not None and self._timeline.seconds(packet.dts) > time_s + ROUNDING_S:
                break
            if len(ahead) >= _MOST_AHEAD or size >= _MOST_AHEAD_BYTES:
                break
        return ahead

    def _needed(self, ahead: list[Packet[VideoStream]], time_s: float) -> list[Packet[VideoStream]]:
        """The packets from the last keyframe on that is shown at ``time_s`` or before; none if there is none."""
        for index in range(len(ahead) - 1, -1, -1):
            packet = ahead[index]
            timed = packet.pts is not None and self._timeline.ordered_by_time
            begins = packet.pts if timed else packet.dts
            if (
                packet.is_keyframe
                and begins is not None
                and self._timeline.seconds(begins) <= max(time_s, 0.0) + ROUNDING_S
            ):
                for passed in ahead[:index]:
                    self._timeline.reject(passed)
                return ahead[index:]
        return []

    def _on_screen(self, ahead: list[Packet[VideoStream]], time_s: float) -> float | None:
        """When the frame on screen at ``time_s`` begins; None if that shows only by decoding."""
        if self._stream.codec_context.name not in SKIPPING_CODECS or not self._timeline.ordered_by_time:
            return None
        begins = [
            None if packet.pts is None else self._timeline.seconds(packet.pts)
            for packet in ahead
            if packet.size
        ]
        if None in begins:
            return None
        return max((at for at in begins if at is not None and at <= time_s + ROUNDING_S), default=None)

    def _decode_passage(
        self, packets: Iterator[Packet[VideoStream]], from_s: float | None
    ) -> Iterator[VideoFrame]:
        """Decode packets, those that begin before ``from_s`` only if others refer to them."""
        context, timeline = self._stream.codec_context, self._timeline
        for packet in packets:
            spare = from_s is not None and packet.pts is not None and timeline.seconds(packet.pts) < from_s
            context.skip_frame = "NONREF" if spare else "DEFAULT"
            yield from self._frames_in(packet)

    # --- sound

    @property
    def has_sound(self) -> bool:
        """Whether there is a sound track that can be decoded."""
        return self._sound_stream() is not None

    def _sound_stream(self) -> AudioStream | None:
        stream = self._container.streams.best("audio")
        if not isinstance(stream, AudioStream) or getattr(stream, "codec_context", None) is None:
            return None
        return stream

    def sound_between(self, start_s: float, end_s: float) -> Iterator[tuple[float, AudioFrame]]:
        """Decoded sound from a little before ``start_s`` to a little after ``end_s``, with its times in seconds.

        Times are on the clock of the frames. What does not decode is left out.
        """
        stream = self._sound_stream()
        if stream is None:
            return
        for rewind_s in _SOUND_REWINDS_S:
            if not self._go_to(start_s - rewind_s):
                continue
            packets = self._sound_packets(stream)
            first = next(packets, None)
            may_be_late = start_s - rewind_s > 0 and rewind_s != _SOUND_REWINDS_S[-1]
            if first is not None and first[0] > start_s - _SOUND_LEAD_S and may_be_late:
                continue
            if first is not None:
                yield from _decoded_sound(chain([first], packets), start_s, end_s)
            return

    def _sound_packets(self, stream: AudioStream) -> Iterator[tuple[float, Packet[AudioStream]]]:
        time_base = stream.time_base or Fraction(1, 90_000)
        leaping = self.info.container if self.info.container in LEAPING else ""
        clock = Timeline(leaping, time_base, self._origin_s, 1024 / 48_000)
        at_s = 0.0
        packets = self._container.demux(stream)
        for _ in range(_MOST_SOUND_PACKETS):
            try:
                packet = next(packets)
            except (StopIteration, IndexError, av.FFmpegError):
                return
            # The same steps as for the picture: only the clock's leaps are its business here.
            clock.enter(packet)
            begins = packet.pts if packet.pts is not None else packet.dts
            at_s = at_s if begins is None else clock.seconds(begins)
            yield at_s, packet


def _watched(frames: Iterator[VideoFrame], on_frame: Callable[[], None]) -> Iterator[VideoFrame]:
    for frame in frames:
        on_frame()
        yield frame


def _decoded_sound(
    packets: Iterator[tuple[float, Packet[AudioStream]]], start_s: float, end_s: float
) -> Iterator[tuple[float, AudioFrame]]:
    next_s = 0.0
    for at_s, packet in packets:
        base_s = float(packet.time_base)
        if at_s > end_s + _SOUND_TAIL_S:
            return
        if packet.size and at_s + (packet.duration or 0) * base_s < start_s - _SOUND_LEAD_S:
            continue
        try:
            frames = packet.decode()
        except (av.FFmpegError, ValueError):
            continue
        for frame in frames:
            if frame.pts is not None and packet.pts is not None:
                # The packet's time is on the clock already; a decoder may hold back or trim some of it.
                next_s = at_s + (frame.pts - packet.pts) * base_s
            yield next_s, frame
            next_s += frame.samples / max(1, frame.sample_rate)
