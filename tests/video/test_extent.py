"""What files say of their own length."""

from __future__ import annotations

import struct
import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from video.extent import missing_bytes

MP4, MATROSKA, AVI, ASF = "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "asf"


def box(kind: bytes, length: int, claimed: int | None = None) -> bytes:
    return struct.pack(">I4s", claimed if claimed is not None else length, kind) + bytes(length - 8)


def wide_box(kind: bytes, length: int) -> bytes:
    return struct.pack(">I4sQ", 1, kind, length) + bytes(length - 16)


FTYP, MOOV, MDAT = box(b"ftyp", 16), box(b"moov", 200), box(b"mdat", 1000)
EBML = b"\x1a\x45\xdf\xa3\x84abcd"
SEGMENT = b"\x18\x53\x80\x67"
VOID = b"\xec\x82ab"


def riff(kind: bytes, length: int) -> bytes:
    return b"RIFF" + struct.pack("<I", length) + kind + bytes(length - 4)


def asf(size: int, flags: int = 2) -> bytes:
    guid = uuid.UUID("8cabdca1-a947-11cf-8ee4-00c00c205365").bytes_le
    return (
        bytes(30)
        + guid
        + struct.pack("<Q16xQ", 104, size)
        + bytes(40)
        + struct.pack("<I", flags)
        + bytes(100)
    )


CASES: dict[str, tuple[str, bytes, int]] = {
    "whole MP4": (MP4, FTYP + MOOV + MDAT, 0),
    "cut in the pictures": (MP4, (FTYP + MOOV + MDAT)[:-300], 300),
    "cut in the index": (MP4, (FTYP + MDAT + MOOV)[:-1], 1),
    "cut in a fragment's index": (MP4, FTYP + MOOV + box(b"moof", 80)[:-7], 7),
    "cut in padding": (MP4, (FTYP + MOOV + MDAT + box(b"free", 500))[:-300], 0),
    "cut in the tags": (MP4, (FTYP + MOOV + MDAT + box(b"udta", 500))[:-300], 0),
    "64-bit length": (MP4, FTYP + MOOV + wide_box(b"mdat", 5000), 0),
    "64-bit length, cut": (MP4, (FTYP + MOOV + wide_box(b"mdat", 5000))[:-1000], 1000),
    "length: to the end": (MP4, FTYP + MOOV + box(b"mdat", 1000, claimed=0), 0),
    "length: less than a header": (MP4, FTYP + MOOV + box(b"mdat", 1000, claimed=3), 0),
    "a few stray bytes": (MP4, FTYP + MOOV + MDAT + b"abc", 0),
    "zeros behind": (MP4, FTYP + MOOV + MDAT + bytes(500), 0),
    "whole segment": (MATROSKA, EBML + SEGMENT + b"\x88" + bytes(8), 0),
    "cut segment": (MATROSKA, EBML + SEGMENT + b"\x88" + bytes(5), 3),
    "long length": (MATROSKA, EBML + VOID + SEGMENT + b"\x01" + (50).to_bytes(7, "big") + bytes(20), 30),
    "unknown length": (MATROSKA, EBML + SEGMENT + b"\x01" + b"\xff" * 7 + bytes(20), 0),
    "short unknown length": (MATROSKA, EBML + SEGMENT + b"\xff" + bytes(20), 0),
    "more behind the segment": (MATROSKA, EBML + SEGMENT + b"\x88" + bytes(900), 0),
    "cut before the segment": (MATROSKA, EBML, 0),
    "whole AVI": (AVI, riff(b"AVI ", 100), 0),
    "cut AVI": (AVI, riff(b"AVI ", 100)[:-40], 40),
    "AVI of odd length": (AVI, riff(b"AVI ", 101), 0),
    "long AVI": (AVI, riff(b"AVI ", 100) + riff(b"AVIX", 100), 0),
    "long AVI, cut": (AVI, riff(b"AVI ", 100) + riff(b"AVIX", 100)[:-20], 20),
    "AVI never finished": (AVI, b"RIFF\0\0\0\0AVI " + bytes(80), 0),
    "whole ASF": (ASF, asf(len(asf(0))), 0),
    "cut ASF": (ASF, asf(len(asf(0)) + 900), 900),
    "broadcast ASF": (ASF, asf(len(asf(0)) + 900, flags=3), 0),
    "a container that does not say": ("mpegts", b"G" * 188, 0),
    "nothing": (MP4, b"", 0),
}


@pytest.mark.parametrize("case", CASES)
def test_missing_bytes(case: str, tmp_path: Path) -> None:
    container, content, missing = CASES[case]
    (tmp_path / "file").write_bytes(content)
    assert missing_bytes(tmp_path / "file", container) == missing


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.lists(
        st.sampled_from([FTYP, MOOV, EBML, SEGMENT, VOID, b"RIFF", b"\xff" * 8, asf(10**12)])
        | st.binary(max_size=12)
    ).map(b"".join),
    container=st.sampled_from([MP4, MATROSKA, AVI, ASF]),
)
def test_any_bytes_have_an_answer(content: bytes, container: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(content)
    assert missing_bytes(tmp_path / "file", container) >= 0
