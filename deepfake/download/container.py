"""Telling a file of moving pictures by its first bytes, whatever its name and its media type say."""

from __future__ import annotations

#: Bytes that are enough to tell.
HEAD_BYTES = 1024

#: Types of boxes that an MP4 or QuickTime file may begin with (ISO/IEC 14496-12 and the QuickTime format).
_FIRST_BOXES = frozenset(
    {b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"sidx", b"moof"}
)
#: Brands of still pictures in the same container.
_STILL_BRANDS = frozenset({b"avif", b"heic", b"heix", b"mif1", b"heim", b"heis"})
_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_MPEGTS_PACKET_BYTES = 188
_WEB_PAGE_MARKS = (b"<!doctype", b"<html", b"<head", b"<body", b"<script", b"<?xml", b"<!--")

#: Suffixes that :func:`suffix_of` may give.
SUFFIXES = ("mp4", "webm", "mkv", "avi", "flv", "ogv", "asf", "mpg", "ts")


def suffix_of(head: bytes) -> str | None:
    """The suffix of the container that ``head`` begins, one of :data:`SUFFIXES`; None for anything else."""
    kind = None
    if head[4:8] in _FIRST_BOXES:
        kind = None if head[4:8] == b"ftyp" and head[8:12] in _STILL_BRANDS else "mp4"
    elif head.startswith(b"\x1a\x45\xdf\xa3"):
        kind = "webm" if b"webm" in head[:64] else "mkv"
    elif head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        kind = "avi"
    elif head.startswith(b"FLV\x01"):
        kind = "flv"
    elif head.startswith(b"OggS"):
        kind = "ogv"
    elif head.startswith(_ASF_HEADER):
        kind = "asf"
    elif head.startswith(b"\x00\x00\x01\xba"):
        kind = "mpg"
    elif head[:1] == b"G" and head[_MPEGTS_PACKET_BYTES : _MPEGTS_PACKET_BYTES + 1] == b"G":
        kind = "ts"
    return kind


def is_web_page(head: bytes) -> bool:
    """Whether ``head`` begins a web page."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()[:16].lower().startswith(_WEB_PAGE_MARKS)
