"""When a frame is shown: timestamps of packets and frames made into seconds from a file's beginning."""

from __future__ import annotations

import heapq
import math
from fractions import Fraction

from av.audio.stream import AudioStream
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

#: Jumps of the decoding times that are no gap any more but a new beginning, in seconds: recordings that were
#: cut and joined, the parts of a DVD title. FFmpeg's command line bridges jumps from 10 s on too.
LEAP_S = 10.0
LEAP_BACK_S = 0.5
#: Containers (libavformat demuxers) whose clock may begin anew at any point.
LEAPING = frozenset({"mpegts", "mpeg"})
#: AVI stores pictures in the order of decoding, and no times.
UNTIMED = frozenset({"avi"})
#: How far below a whole number of grid cells a time may be by rounding alone, in cells.
_GRID_SLACK = 1e-4


def grid_cell(time_s: float, rate_hz: float) -> int:
    """The cell of a ``1/rate_hz`` second grid that a time falls into."""
    return math.floor(time_s * rate_hz + _GRID_SLACK)


class Timeline:
    """The clock of one stream. Packets pass it before they are decoded, frames after.

    Args:
        container: name of the libavformat demuxer.
        time_base: of the stream's timestamps, in seconds.
        origin_s: timestamp of the file's beginning.
        frame_s: seconds that a frame is shown where nothing says.
    """

    def __init__(self, container: str, time_base: Fraction, origin_s: float, frame_s: float) -> None:
        self._time_base = time_base
        self._origin_s = origin_s
        self._frame = max(1, round(frame_s / time_base))
        self._leaps = container in LEAPING
        self._untimed = container in UNTIMED
        self.restart()

    @property
    def ordered_by_time(self) -> bool:
        """Whether a packet's timestamp is that of the frame in it."""
        return not self._untimed

    def restart(self) -> None:
        """Forget what came before: the file is read from another place."""
        self._shift = 0
        self._next: int | None = None
        self._waiting: list[int] = []
        self._counted = 0

    def seconds(self, timestamp: int) -> float:
        """Seconds from the beginning of the file; negative for what lies before it."""
        # The same as of the fraction's product, a tenth of the time: this runs for every packet.
        return timestamp * self._time_base.numerator / self._time_base.denominator - self._origin_s

    def enter(self, packet: Packet[VideoStream] | Packet[AudioStream]) -> None:
        """Put a packet's timestamps right before it is decoded."""
        if packet.dts is None or not packet.size:
            return
        if self._untimed:
            heapq.heappush(self._waiting, packet.dts)
        if not self._leaps:
            return
        # Where libavformat works one of the two out, they do not leap at the same packet.
        if packet.pts is not None and abs(packet.pts - packet.dts) * self._time_base > LEAP_S:
            packet.pts = packet.dts + self._frame
        if self._next is not None:
            jump_s = (packet.dts + self._shift - self._next) * self._time_base
            if not -LEAP_BACK_S <= jump_s <= LEAP_S:
                self._shift = self._next - packet.dts
        if self._shift:
            packet.dts += self._shift
            packet.pts = None if packet.pts is None else packet.pts + self._shift
        self._next = packet.dts + (packet.duration or self._frame)

    def reject(self, packet: Packet[VideoStream]) -> None:
        """Take back a packet that did not decode."""
        if self._untimed and packet.dts in self._waiting:
            self._waiting.remove(packet.dts)
            heapq.heapify(self._waiting)

    def leave(self, frame: VideoFrame) -> None:
        """Put a decoded frame's timestamp right."""
        if self._waiting:
            # Frames leave a decoder in the order in which they are shown.
            frame.pts = heapq.heappop(self._waiting)
        elif frame.pts is None:
            frame.pts = self._counted * self._frame
        self._counted += 1
