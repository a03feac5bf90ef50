"""The boxes of an MP4 file in fragments, mended on their way from libavformat to the reader."""

from __future__ import annotations

import struct
from collections import deque

#: Units of a second in which the description of the whole gives its length (libavformat's own).
_MOVIE_SCALE = 1000
#: Flags of a sample that depends on others (ISO/IEC 14496-12, section 8.8.3.1), as libavformat sets them.
_DEPENDENT = 0x01010000
#: ``tf_flags`` and ``tr_flags`` (sections 8.8.7 and 8.8.8) by which fields before the one wanted are there.
_BASE_OFFSET, _DESCRIPTION, _DEFAULT_DURATION, _DEFAULT_SIZE, _DEFAULT_FLAGS = 0x1, 0x2, 0x8, 0x10, 0x20
_DATA_OFFSET, _FIRST_FLAGS = 0x1, 0x4


class FragmentSink:
    """Where libavformat writes to: in order only, so that nothing that was taken changes any more.

    The first track of the file is the picture.

    Args:
        length_s: of the whole, for its description.
    """

    def __init__(self, length_s: float) -> None:
        self._length_s = length_s
        self._bytes = bytearray()
        self._keyframes: deque[bool] = deque()

    def write(self, piece: bytes) -> int:
        """Take bytes; called by libavformat."""
        self._bytes += piece
        return len(piece)

    def expect(self, *, keyframe: bool) -> None:
        """Say of a fragment to come whether the keyframe that it begins with is one."""
        self._keyframes.append(keyframe)

    def taken(self) -> bytes:
        """The boxes that were completed since the last time, mended."""
        ready = bytearray()
        while (size := _whole(self._bytes)) is not None:
            box = self._bytes[:size]
            del self._bytes[:size]
            kind = box[4:8]
            if kind == b"moov":
                _add_length(box, self._length_s)
            elif kind == b"moof" and self._keyframes and not self._keyframes.popleft():
                _make_dependent(box)
            ready += box
        return bytes(ready)


def _whole(content: bytearray) -> int | None:
    """Bytes of the box that some bytes begin with; None where some are missing."""
    if len(content) < 8:
        return None
    size: int = struct.unpack_from(">I", content)[0]
    return size if 8 <= size <= len(content) else None


def _add_length(moov: bytearray, length_s: float) -> None:
    """Say in a description how long all fragments are together (``mehd``, section 8.8.2).

    libavformat does not where it cannot go back. The boxes of single tracks stay at 0: they count what lies
    beside the fragments, and Apple's players add the two.
    """
    if (mvex := _inside(moov, b"mvex", 8, len(moov))) is None:
        return
    length = struct.pack(">I4sII", 16, b"mehd", 0, round(length_s * _MOVIE_SCALE))
    for at in (0, mvex[0]):
        struct.pack_into(">I", moov, at, struct.unpack_from(">I", moov, at)[0] + len(length))
    moov[mvex[0] + 8 : mvex[0] + 8] = length


def _make_dependent(moof: bytearray) -> None:
    """Say of the first picture of a fragment that it cannot be decoded by itself."""
    traf = _inside(moof, b"traf", 8, len(moof))
    if traf is None or (run := _inside(moof, b"trun", traf[0] + 8, traf[1])) is None:
        return
    flags = _flags(moof, run[0])
    if flags & _FIRST_FLAGS:
        struct.pack_into(">I", moof, run[0] + 16 + 4 * bool(flags & _DATA_OFFSET), _DEPENDENT)
        return
    # A fragment of one picture: what holds for all holds for it.
    header = _inside(moof, b"tfhd", traf[0] + 8, traf[1])
    if header is not None and (flags := _flags(moof, header[0])) & _DEFAULT_FLAGS:
        before = 8 * bool(flags & _BASE_OFFSET) + 4 * sum(
            bool(flags & flag) for flag in (_DESCRIPTION, _DEFAULT_DURATION, _DEFAULT_SIZE)
        )
        struct.pack_into(">I", moof, header[0] + 16 + before, _DEPENDENT)


def _flags(content: bytearray, at: int) -> int:
    """Flags of the box at a place: the last three bytes of the four behind its head."""
    flags: int = struct.unpack_from(">I", content, at + 8)[0]
    return flags & 0xFFFFFF


def _inside(content: bytearray, name: bytes, at: int, end: int) -> tuple[int, int] | None:
    """Where the first box of a name begins and ends among those from ``at`` to ``end``; None where there is none."""
    while at + 8 <= end:
        size, found = struct.unpack_from(">I4s", content, at)
        if size < 8 or at + size > end:
            return None
        if found == name:
            return at, at + size
        at += size
    return None
