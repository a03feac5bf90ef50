"""Counting what a download takes from the network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from deepfake.download.trouble import Refusal, Trouble

#: Bytes of pages, scripts and manifests that may be read before the video itself.
MAX_PREPARING_BYTES: Final = 48 << 20

Decode = Callable[[Iterable[bytes], str], Iterable[bytes]]


class Enough(BaseException):
    """As much of a video as is taken has come, and what has come can be used."""


class Meter:
    """Counts bytes as they come, as they were sent and as they are decoded, and ends the download at a limit.

    First what prepares the download is counted, then the video (:meth:`begin_video`).
    """

    def __init__(self) -> None:
        self.bytes = 0
        self._left_sent = self._left_decoded = MAX_PREPARING_BYTES
        self._end: BaseException = Refusal(Trouble.SITE_CHANGED)

    def begin_video(self, max_bytes: int, *, usable_in_part: bool) -> None:
        """From now on, count the video.

        Args:
            usable_in_part: whether its beginning can be used by itself, so that the limit is no failure.
        """
        self.bytes = 0
        self._left_sent = self._left_decoded = max_bytes
        self._end = Enough() if usable_in_part else Refusal(Trouble.TOO_LARGE)

    def counted(self, pieces: Iterable[bytes], coding: str, decode: Decode) -> Iterator[bytes]:
        """The body decoded, piece by piece.

        Raises:
            Refusal: the limit is passed.
            Enough: it is, and the video's beginning can be used.
        """
        for piece in decode(self._sent(pieces), coding):
            self._left_decoded -= len(piece)
            if self._left_decoded < 0:
                raise self._end
            yield piece

    def _sent(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self.bytes += len(piece)
            self._left_sent -= len(piece)
            if self._left_sent < 0:
                raise self._end
            yield piece
