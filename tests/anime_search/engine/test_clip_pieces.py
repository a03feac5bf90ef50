"""A clip comes in pieces, and each can be played when it comes."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import pytest

from anime_search.engine.clip import clip_pieces
from anime_search.engine.clip_boxes import FragmentSink
from tests.anime_search.engine.clips import PYRAMID, Clip, number_in, write_clip
from tests.anime_search.engine.cuttings import cut_file, tone_from, write_with_sound
from video.reader import VideoLimits

FILM = Clip(frames=144, fps=24, options=PYRAMID)
#: libavutil's ``sample_is_non_sync_sample`` (ISO/IEC 14496-12, section 8.8.3.1).
NON_SYNC = 0x10000


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return write_with_sound(tmp_path / "a.mkv", FILM, tone_from(3.0), until_s=6.0)


def pieces_of(path: Path, decoded: list[int] | None = None, *, end_s: float = 5.0) -> Iterator[bytes]:
    seen = [] if decoded is None else decoded
    return clip_pieces(
        path,
        start_s=1.26,
        end_s=end_s,
        width=96,
        mute=False,
        limits=VideoLimits(),
        on_frame=lambda: seen.append(1),
    )


def frames_in(content: bytes) -> list[int]:
    with av.open(io.BytesIO(content)) as container:
        return [number_in(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def boxes(content: bytes, *names: str) -> list[bytes]:
    """What is in the boxes that lie at the end of a path of names."""
    found, at = [], 0
    while at < len(content):
        size, name = struct.unpack_from(">I4s", content, at)
        if name.decode() == names[0]:
            inside = content[at + 8 : at + size]
            found += [inside] if len(names) == 1 else boxes(inside, *names[1:])
        at += size
    return found


def test_pieces_are_the_file(film: Path) -> None:
    pieces = list(pieces_of(film, end_s=4.26))
    assert len(pieces) >= 8
    assert b"".join(pieces) == cut_file(film, 1.26, 4.26, width=96)[0].read_bytes()


def test_first_piece_plays_and_comes_when_little_is_decoded(film: Path) -> None:
    decoded: list[int] = []
    pieces = pieces_of(film, decoded)
    first = next(pieces)
    # From the keyframe at 1 s to the start, a quarter of a second, and what the encoder holds back.
    assert len(decoded) < 6 + 6 + 14
    assert frames_in(first) == list(range(30, 30 + len(frames_in(first))))
    assert len(frames_in(first)) >= 6


def test_every_beginning_of_the_pieces_shows_frames_without_a_gap(film: Path) -> None:
    content, shown = b"", 0
    for piece in pieces_of(film):
        content += piece
        numbers = frames_in(content)
        assert numbers == list(range(30, 30 + len(numbers)))
        assert len(numbers) >= shown
        shown = len(numbers)
    assert shown == 90


def test_closing_ends_the_work(film: Path) -> None:
    decoded: list[int] = []
    pieces = pieces_of(film, decoded)
    next(pieces)
    before = len(decoded)
    pieces.close()
    assert len(decoded) == before
    assert list(pieces) == []


def test_what_comes_first_says_how_long_all_is(film: Path) -> None:
    moov = boxes(next(pieces_of(film)), "moov")[0]
    assert struct.unpack(">II", boxes(moov, "mvex", "mehd")[0]) == (0, 3740)
    # What lies beside the fragments has no length: some players would add it.
    assert struct.unpack_from(">I", boxes(moov, "mvhd")[0], 16) == (0,)
    assert [struct.unpack_from(">I", head, 20)[0] for head in boxes(moov, "trak", "tkhd")] == [0, 0]


def test_only_keyframes_are_said_to_be_some(film: Path) -> None:
    content = b"".join(pieces_of(film))
    with av.open(io.BytesIO(content)) as container:
        keyframes = [packet.is_keyframe for packet in container.demux(video=0) if packet.size]
    # One in sixty (the encoder's ``keyint``), although fragments begin four times a second.
    assert [n for n, is_keyframe in enumerate(keyframes) if is_keyframe] == [0, 60]
    assert len(boxes(content, "moof")) >= 12


@pytest.mark.parametrize(
    "clip",
    [
        FILM,
        Clip(frames=180, fps=Fraction(30_000, 1001), options=PYRAMID),
        Clip(
            times_s=[n / 24 + (n % 3) * 0.011 for n in range(120)],
            time_base=Fraction(1, 1000),
            options=PYRAMID,
        ),
        Clip(times_s=[0.4 * n for n in range(15)], time_base=Fraction(1, 1000), options=PYRAMID),
    ],
    ids=["24", "29.97", "variable", "slides"],
)
def test_no_frame_of_a_fragment_is_shown_between_those_of_another(clip: Clip, tmp_path: Path) -> None:
    content = b"".join(pieces_of(write_clip(tmp_path / "a.mkv", clip), end_s=4.5))
    last = -1
    for traf in boxes(content, "moof", "traf"):
        if struct.unpack_from(">I", boxes(traf, "tfhd")[0], 4)[0] == 1:
            shown = times_of(traf)
            assert min(shown) > last
            last = max(shown)


def times_of(traf: bytes) -> list[int]:
    """When the samples of a fragment are shown, in its track's units."""
    header, run = boxes(traf, "tfhd")[0], boxes(traf, "trun")[0]
    flags, duration = struct.unpack_from(">I", header)[0] & 0xFFFFFF, 0
    assert not flags & 0x3
    if flags & 0x8:
        duration = struct.unpack_from(">I", header, 8)[0]
    at: int = struct.unpack_from(">Q", boxes(traf, "tfdt")[0], 4)[0]
    kind, count = struct.unpack_from(">II", run)
    place, shown = 8 + 4 * bool(kind & 0x1) + 4 * bool(kind & 0x4), []
    for _ in range(count):
        lasts, offset = duration, 0
        for flag in (0x100, 0x200, 0x400, 0x800):
            if kind & flag:
                value = struct.unpack_from(">i", run, place)[0]
                lasts, offset = (value if flag == 0x100 else lasts), (value if flag == 0x800 else offset)
                place += 4
        shown.append(at + offset)
        at += lasts
    return shown


def test_bytes_are_given_out_by_whole_boxes_however_they_are_written() -> None:
    content = b"".join(struct.pack(">I4s", 8 + n, b"free") + bytes(n) for n in (0, 5, 300))
    sink, taken = FragmentSink(1.0), []
    for byte in content:
        sink.write(bytes([byte]))
        taken.append(sink.taken())
    assert b"".join(taken) == content
    assert [len(piece) for piece in taken if piece] == [8, 13, 308]
