"""Thumbnails: the picture of each run of frames as it was described, one file a video.

They are what a candidate of a search is verified by, and what another descriptor is computed from without decoding
the video again. Layout of a file, numbers in little-endian order::

    b"FPTHUMB1"
    pictures                JPEG, one behind the other
    index                   of each picture: from_ms int32, size uint32, CRC-32 uint32, offset uint64
    b"FPTHUMB1", the video's SHA-256 (32 bytes), pictures uint32, offset of the index uint64,
    SHA-256 of the index and of this block before it (32 bytes)

A picture is found by the time its run begins at, not by its number: so every descriptor's track of the video finds it.
"""

from __future__ import annotations

import hashlib
import os
import struct
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from anime_search.engine.whole_file import sweep_unfinished, whole_file
from video.reader import FRAME_HEIGHT, FRAME_WIDTH

#: Qualities of JPEG that are tried, best first, until a picture is small enough; by
#: ``benchmarks/verification.py`` 50 loses among pictures of one show, and 90 gains there for half as many bytes again.
QUALITIES = (80, 70, 60, 45, 30)
#: Bytes of a picture that the next quality is tried above: with vectors and index a run is to take 12 KB at most.
MOST_BYTES = 11_000

_MAGIC = b"FPTHUMB1"
_INDEX = np.dtype([("from_ms", "<i4"), ("size", "<u4"), ("crc", "<u4"), ("offset", "<u8")])
_ENTRY = struct.Struct("<iIIQ")
_END = struct.Struct("<8s32sIQ32s")

#: Indexes of files that a reader keeps: 20 bytes a picture, some 200 KB for an episode.
_KEPT_INDEXES = 32

Picture = NDArray[np.uint8]
Index = NDArray[np.void]


class ThumbnailError(Exception):
    """A file of thumbnails is missing, damaged, or of another video."""


def thumbnails_path(root: Path, video: str) -> Path:
    """Where the thumbnails of a video lie below ``root``."""
    return root / video[:2] / f"{video}.thumbs"


class ThumbnailWriter:
    """Takes the pictures of a video in the order of their times; made by :func:`write_thumbnails`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._file.write(_MAGIC)
        self._offset = len(_MAGIC)
        self._index = bytearray()

    def add(self, from_ms: int, rgb: Picture) -> None:
        """Encode and write the picture, (144, 256, 3) RGB, of the run that begins at a time."""
        content = encode_thumbnail(rgb)
        self._index += _ENTRY.pack(from_ms, len(content), zlib.crc32(content), self._offset)
        self._file.write(content)
        self._offset += len(content)

    def end(self, video: str) -> None:
        """Write the index."""
        index = bytes(self._index)
        self._file.write(index + _end(video, len(index) // _ENTRY.size, self._offset, index))


@contextmanager
def write_thumbnails(path: Path, video: str) -> Iterator[ThumbnailWriter]:
    """Write a video's thumbnails as they come; the file appears whole at the end, and not at all on an error.

    Args:
        video: SHA-256 of the video file's bytes, in hex.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # They are large: what a killed process left of them must not pile up.
    sweep_unfinished(path.parent)
    with whole_file(path) as file:
        writer = ThumbnailWriter(file)
        yield writer
        writer.end(video)


def encode_thumbnail(rgb: Picture) -> bytes:
    """JPEG of (144, 256, 3) RGB, in the best of :data:`QUALITIES` that makes it small enough, or the last of them."""
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    content = b""
    for quality in QUALITIES:
        content = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        if len(content) <= MOST_BYTES:
            break
    return content


class ThumbnailReader:
    """Reads single pictures; any number of threads may use one.

    Calling it reads one picture: ``reader(video, from_ms)``.

    Args:
        root: folder of the thumbnails.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._indexes: OrderedDict[str, tuple[tuple[int, int, int], Index]] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, video: str, from_ms: int) -> Picture | None:
        """The picture, (144, 256, 3) RGB, of the run of a video that begins at a time.

        Returns:
            None where there is none or it is damaged: then nothing can be verified by it.
        """
        path = thumbnails_path(self._root, video)
        try:
            file = os.open(path, os.O_RDONLY)
        except (OSError, ValueError):
            return None
        try:
            index = self._index(file, video)
            place = int(np.searchsorted(index["from_ms"], from_ms))
            if place == len(index) or index["from_ms"][place] != from_ms:
                return None
            return _read_picture(file, index[place])
        except (OSError, ThumbnailError):
            return None
        finally:
            os.close(file)

    def _index(self, file: int, video: str) -> Index:
        """Sorted by time. It is kept for as long as the file is the same."""
        stat = os.fstat(file)
        stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        with self._lock:
            known = self._indexes.get(video)
            if known is not None and known[0] == stamp:
                self._indexes.move_to_end(video)
                return known[1]
        index = _read_index(file, stat.st_size, video)
        index = index[np.argsort(index["from_ms"], kind="stable")]
        with self._lock:
            self._indexes[video] = (stamp, index)
            if len(self._indexes) > _KEPT_INDEXES:
                self._indexes.popitem(last=False)
        return index


def read_thumbnails(path: Path) -> Iterator[tuple[int, Picture]]:
    """All pictures of a file, in the order in which they were written, each with the time its run begins at.

    Raises:
        ThumbnailError: the file is missing or damaged; a damaged picture is noticed when its turn comes.
    """
    try:
        with path.open("rb") as opened:
            file = opened.fileno()
            for entry in _read_index(file, os.fstat(file).st_size, path.stem):
                yield int(entry["from_ms"]), _read_picture(file, entry)
    except OSError as error:
        raise ThumbnailError(f"{path.name}: {error.strerror}") from error


def thumbnail_times(path: Path) -> NDArray[np.int32]:
    """The times of all pictures of a file, in the order in which they were written; no picture is looked at.

    Raises:
        ThumbnailError: the file is missing, cut, or its index is damaged.
    """
    try:
        with path.open("rb") as opened:
            index = _read_index(opened.fileno(), os.fstat(opened.fileno()).st_size, path.stem)
    except OSError as error:
        raise ThumbnailError(f"{path.name}: {error.strerror}") from error
    return np.ascontiguousarray(index["from_ms"], np.int32)


def _end(video: str, count: int, offset: int, index: bytes) -> bytes:
    head = _END.pack(_MAGIC, bytes.fromhex(video), count, offset, b"")[: -hashlib.sha256().digest_size]
    return head + hashlib.sha256(index + head).digest()


def _read_index(file: int, size: int, video: str) -> Index:
    end = os.pread(file, _END.size, max(0, size - _END.size))
    if len(end) < _END.size:
        raise ThumbnailError("too short")
    magic, _of, count, offset, _digest = _END.unpack(end)
    length = count * _INDEX.itemsize
    # Numbers that do not add up would have any amount of memory read.
    if magic != _MAGIC or offset + length + _END.size != size:
        raise ThumbnailError("not a whole file of thumbnails")
    index = os.pread(file, length, offset)
    try:
        expected = _end(video, count, offset, index)
    except ValueError as error:
        raise ThumbnailError(f"{video} is no SHA-256") from error
    if end != expected:
        raise ThumbnailError("damaged, or of another video")
    return np.frombuffer(index, _INDEX)


def _read_picture(file: int, entry: np.void) -> Picture:
    content = os.pread(file, int(entry["size"]), int(entry["offset"]))
    if zlib.crc32(content) != int(entry["crc"]):
        raise ThumbnailError(f"the picture at {int(entry['from_ms'])} ms is damaged")
    rgb = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB)
    if rgb is None or rgb.shape != (FRAME_HEIGHT, FRAME_WIDTH, 3):
        raise ThumbnailError(f"the picture at {int(entry['from_ms'])} ms cannot be read")
    return np.asarray(rgb, np.uint8)
