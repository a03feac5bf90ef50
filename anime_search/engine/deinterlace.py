"""Interlaced frames made into whole pictures."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from errno import EAGAIN

import av
from av.filter import Graph
from av.video.frame import VideoFrame


class Deinterlacer:
    """Takes frames with their times, and gives them back without combs.

    FFmpeg's ``bwdif`` (Weston's three-field filter with the edge direction of yadif), one picture a frame.
    Frames that say that they are progressive go through unchanged; before the first interlaced one there is
    no filter at all.
    """

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._shape: tuple[int, int, str] | None = None
        self._times: deque[float] = deque()

    def push(self, time_s: float, frame: VideoFrame) -> Iterator[tuple[float, VideoFrame]]:
        """Take a frame; what is ready comes out, usually the frame before."""
        shape = frame.width, frame.height, frame.format.name
        if self._graph is not None and shape != self._shape:
            yield from self.flush()
        if self._graph is None:
            if not frame.interlaced_frame:
                yield time_s, frame
                return
            self._open(frame)
            self._shape = shape
        self._times.append(time_s)
        self._put(frame)
        yield from self._taken()

    def flush(self) -> Iterator[tuple[float, VideoFrame]]:
        """What is still inside."""
        if self._graph is not None:
            self._put(None)
            yield from self._taken()
        self._graph, self._shape = None, None
        self._times.clear()

    def _open(self, frame: VideoFrame) -> None:
        self._graph = Graph()
        self._graph.threads = 1
        source = self._graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
        )
        through = self._graph.add("bwdif", "mode=send_frame:parity=auto:deint=interlaced")
        self._graph.link_nodes(source, through, self._graph.add("buffersink")).configure()

    def _put(self, frame: VideoFrame | None) -> None:
        assert self._graph is not None
        self._graph.vpush(frame)

    def _taken(self) -> Iterator[tuple[float, VideoFrame]]:
        assert self._graph is not None
        while self._times:
            try:
                frame = self._graph.vpull()
            except EOFError:
                return
            except av.FFmpegError as error:
                if error.errno != EAGAIN:
                    raise
                return
            # One comes out for one that went in, in order: the filter's own clock is another.
            yield self._times.popleft(), frame
