"""How long a file says it is: what tells a cut download from a whole file without decoding anything."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

#: Boxes of ISO/IEC 14496-12 without which pictures are lost. A cut ``free`` or ``udta`` at the end costs nothing.
_NEEDED_BOXES = (b"moov", b"moof", b"mdat")
#: Boxes that are looked at in one file at most: a long fragmented recording has some ten thousand.
_MOST_BOXES = 1_000_000

#: Element ids of Matroska (RFC 9559) and EBML (RFC 8794) that may stand at the top level.
_EBML, _SEGMENT, _VOID, _CRC = 0x1A45DFA3, 0x18538067, 0xEC, 0xBF

#: Chunks of one AVI that are looked at: a terabyte.
_MOST_CHUNKS = 1024

#: The File Properties Object of the Advanced Systems Format, and how far into a file its header may reach.
_ASF_FILE_PROPERTIES = uuid.UUID("8cabdca1-a947-11cf-8ee4-00c00c205365").bytes_le
_ASF_HEAD = 1 << 20


def missing_bytes(path: Path, container: str) -> int:
    """Bytes that a file's outermost structure announces beyond the file's end.

    MP4 and its kin are a chain of boxes with their lengths, Matroska and WebM one segment, AVI a chain of
    RIFF chunks; ASF says how long the file is. Other containers, and files that were streamed to disk, do
    not say: MPEG-TS, MPEG-PS, Ogg, NUT and GIF files that were cut between two packets look whole.

    Args:
        container: name of the libavformat demuxer that reads the file.

    Returns:
        0 if the file is whole, or does not say.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        walk = _WALKS.get(container.partition(",")[0])
        return walk(file, size) if walk else 0


def _missing_of_boxes(file: BinaryIO, size: int) -> int:
    start = 0
    for _ in range(_MOST_BOXES):
        file.seek(start)
        head = file.read(16)
        length, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        # A length of 0 means "to the end of the file"; anything else below 8 is no box.
        if len(head) < 8 or length < 8:
            return 0
        start += length
        if start >= size:
            return start - size if kind in _NEEDED_BOXES else 0
    return 0


def _missing_of_segment(file: BinaryIO, size: int) -> int:
    while (element := _identifier(file)) in (_EBML, _SEGMENT, _VOID, _CRC):
        if (length := _length(file)) is None:
            return 0
        if element == _SEGMENT:
            return max(0, file.tell() + length - size)
        file.seek(length, os.SEEK_CUR)
    return 0


def _identifier(file: BinaryIO) -> int | None:
    """An EBML element id; its leading zero bits say how many bytes it has."""
    first = file.read(1)
    if not first or not first[0] & 0xF0:
        return None
    return int.from_bytes(first + file.read(8 - first[0].bit_length()), "big")


def _length(file: BinaryIO) -> int | None:
    """An EBML element's length; None where all bits are set, which means that it is not known."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    more = 8 - first[0].bit_length()
    bits = 7 * (more + 1)
    value = int.from_bytes(first + file.read(more), "big") & ((1 << bits) - 1)
    return None if value == (1 << bits) - 1 else value


def _missing_of_riff(file: BinaryIO, size: int) -> int:
    start = 0
    # A long AVI is a chain of them, of a gigabyte each (OpenDML).
    for _ in range(_MOST_CHUNKS):
        file.seek(start)
        head = file.read(8)
        length = int.from_bytes(head[4:], "little")
        if head[:4] != b"RIFF" or not length:
            return 0
        start += 8 + length + length % 2
        # The byte that makes a chunk's length even is often left out at the end.
        if start > size + 1:
            return start - size
    return 0


def _missing_of_asf(file: BinaryIO, size: int) -> int:
    head = file.read(_ASF_HEAD)
    at = head.find(_ASF_FILE_PROPERTIES)
    properties = head[at : at + 92]
    # Of a broadcast (bit 0 of the flags) the size was not known when it was written.
    if at < 0 or len(properties) < 92 or properties[88] & 1:
        return 0
    return max(0, int.from_bytes(properties[40:48], "little") - size)


_WALKS: dict[str, Callable[[BinaryIO, int], int]] = {
    "mov": _missing_of_boxes,
    "matroska": _missing_of_segment,
    "avi": _missing_of_riff,
    "asf": _missing_of_asf,
}
