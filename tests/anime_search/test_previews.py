"""Tokens of previews, and the stills behind them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import os
import struct
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pytest_django import Settings

from anime_search.clips import still_file_of
from anime_search.errors import PreviewExpired, PreviewGone, PreviewRefused
from anime_search.models import Video, VideoFile
from anime_search.previews import (
    END_TOLERANCE_S,
    LATEST_S,
    TOKEN_LIFETIME_S,
    Moment,
    open_named_token,
    open_token,
    sign_moment,
)
from core import clock

WIDTH, HEIGHT, FPS, SECONDS = 640, 360, 10, 3


@pytest.fixture(autouse=True)
def _empty_cache(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "data"


def still_of(moment: Moment, *, width: int) -> bytes:
    return still_file_of(moment, width=width).path.read_bytes()


def write_video(path: Path) -> None:
    """Three seconds, each of another grey: 50, 125, 200."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=FPS)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = WIDTH, HEIGHT, "yuv420p", FPS
        for number in range(FPS * SECONDS):
            grey = np.full((HEIGHT, WIDTH, 3), 50 + 75 * (number // FPS), np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "greys.mp4"
    write_video(path)
    return path


@pytest.fixture
def video(db: None, film: Path) -> Video:
    video = Video.objects.create(
        sha256="a" * 64, size=film.stat().st_size, filename="greys.mp4", title="Greys", kind="episode",
        duration_ms=1000 * SECONDS, width=WIDTH, height=HEIGHT, fps=FPS, codec="mpeg4",
    )  # fmt: skip
    place(video, film)
    return video


def place(video: Video, path: Path) -> VideoFile:
    stat = path.stat()
    return VideoFile.objects.create(
        video=video, path=str(path), path_sha256=hashlib.sha256(str(path).encode()).hexdigest(), size=stat.st_size,
        mtime_ns=stat.st_mtime_ns, inode=str(stat.st_ino), seen_at=timezone.now(),
    )  # fmt: skip


moments = st.builds(Moment, st.integers(0, 2**63 - 1), st.integers(0, 2**32 - 1))


@given(moments, st.text(st.characters(codec="utf-8"), max_size=40))
def test_token_opens_to_the_moment_it_was_made_of(moment: Moment, context: str) -> None:
    assert open_token(sign_moment(moment, context=context), context=context) == moment


@given(moments, st.data())
def test_token_with_one_character_changed_opens_nothing(moment: Moment, data: st.DataObject) -> None:
    token = sign_moment(moment)
    position = data.draw(st.integers(0, len(token) - 1))
    character = data.draw(st.characters(codec="utf-8"))
    changed = token[:position] + character + token[position + 1 :]
    if changed != token:
        with pytest.raises(PreviewRefused):
            open_token(changed)


@given(st.text(max_size=120))
def test_text_is_no_token(text: str) -> None:
    with pytest.raises(PreviewRefused):
        open_token(text)


@given(st.binary(max_size=80))
def test_bytes_are_no_token(data: bytes) -> None:
    with pytest.raises(PreviewRefused):
        open_token(base64.urlsafe_b64encode(data).rstrip(b"=").decode())


def test_token_fits_into_a_path_and_a_query() -> None:
    token = sign_moment(Moment(2**63 - 1, 2**32 - 1))
    assert len(token) < 80
    assert all(character.isascii() and (character.isalnum() or character in "-_") for character in token)


def test_signature_is_of_full_length_and_keyed() -> None:
    """HMAC-SHA256 over fields that are told apart by their lengths, with a key for nothing else."""
    token = sign_moment(Moment(7, 1500), context="x")
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    header, mac = raw[:20], raw[20:]
    assert len(mac) == 32
    assert struct.unpack(">QIQ", header)[:2] == (7, 1500)
    assert not hmac.compare_digest(mac, hashlib.sha256(header + b"x").digest())


def test_key_is_the_sites_own(settings: Settings) -> None:
    token = sign_moment(Moment(7, 1500))
    settings.SECRET_KEY = "another secret key, of some length, of another site"
    with pytest.raises(PreviewRefused):
        open_token(token)


@pytest.mark.parametrize(("made_for", "shown_with"), [("", "x"), ("x", ""), ("a", "b"), ("1:a1:b", "1:ab1:")])
def test_token_of_another_context_is_refused(made_for: str, shown_with: str) -> None:
    with pytest.raises(PreviewRefused):
        open_token(sign_moment(Moment(7, 1500), context=made_for), context=shown_with)


@pytest.mark.parametrize(
    ("after_s", "is_open"), [(0, True), (TOKEN_LIFETIME_S - 2, True), (TOKEN_LIFETIME_S + 1, False)]
)
def test_token_lives_for_its_lifetime(monkeypatch: pytest.MonkeyPatch, after_s: int, is_open: bool) -> None:
    token = sign_moment(Moment(7, 1500))
    later = clock.now() + timedelta(seconds=after_s)
    monkeypatch.setattr(clock, "now", lambda: later)
    if is_open:
        assert open_token(token) == Moment(7, 1500)
    else:
        with pytest.raises(PreviewExpired):
            open_token(token)


def test_expired_token_does_not_revive_by_changing_its_expiry(monkeypatch: pytest.MonkeyPatch) -> None:
    token = sign_moment(Moment(7, 1500))
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    raw[12:20] = struct.pack(">Q", 2**62)
    with pytest.raises(PreviewRefused) as refusal:
        open_token(base64.urlsafe_b64encode(raw).rstrip(b"=").decode())
    assert not isinstance(refusal.value, PreviewExpired)


def grey_of(still: bytes) -> int:
    return round(float(np.asarray(Image.open(io.BytesIO(still)).convert("L")).mean()))


@pytest.mark.parametrize(
    ("at_ms", "grey"), [(0, 50), (500, 50), (990, 50), (1000, 125), (1950, 125), (2000, 200), (2990, 200)]
)
def test_still_is_the_frame_on_screen_at_that_time(video: Video, at_ms: int, grey: int) -> None:
    assert abs(grey_of(still_of(Moment(video.pk, at_ms), width=160)) - grey) <= 4


@pytest.mark.parametrize(
    ("width", "size"), [(160, (160, 90)), (320, (320, 180)), (640, (640, 360)), (2000, (640, 360))]
)
def test_still_has_its_width_and_is_never_enlarged(video: Video, width: int, size: tuple[int, int]) -> None:
    assert Image.open(io.BytesIO(still_of(Moment(video.pk, 0), width=width))).size == size


def test_time_beyond_the_end_shows_nothing(video: Video) -> None:
    edge = round(1000 * (SECONDS + END_TOLERANCE_S))
    assert abs(grey_of(still_of(Moment(video.pk, edge), width=160)) - 200) <= 4
    for at_ms in (edge + 1, 10 * edge, round(LATEST_S * 1000)):
        with pytest.raises(PreviewGone):
            still_of(Moment(video.pk, at_ms), width=160)


def test_unknown_video_shows_nothing(db: None) -> None:
    for pk in (0, 1, 2**63 - 1, 2**64 - 1):
        with pytest.raises(PreviewGone):
            still_of(Moment(pk, 0), width=160)


def test_removed_file_shows_nothing(video: Video, tmp_path: Path) -> None:
    VideoFile.objects.all().delete()
    with pytest.raises(PreviewGone):
        still_of(Moment(video.pk, 0), width=160)
    place(video, write_copy(tmp_path / "a.mp4"))
    assert still_of(Moment(video.pk, 0), width=160)
    (tmp_path / "a.mp4").unlink()
    with pytest.raises(PreviewGone):
        still_of(Moment(video.pk, 0), width=160)


def write_copy(path: Path) -> Path:
    write_video(path)
    return path


def test_other_place_of_the_same_video_is_shown(video: Video, tmp_path: Path) -> None:
    VideoFile.objects.update(path="/nowhere/at/all.mp4")
    place(video, write_copy(tmp_path / "b.mp4"))
    assert still_of(Moment(video.pk, 0), width=160)


@pytest.mark.parametrize(
    "replacement", [b"something private", b"", b"ffconcat version 1.0\nfile /etc/passwd\n"]
)
def test_file_with_another_content_by_now_is_not_shown(
    video: Video, tmp_path: Path, replacement: bytes
) -> None:
    VideoFile.objects.all().delete()
    path = write_copy(tmp_path / "c.mp4")
    row = place(video, path)
    path.write_bytes(replacement)
    with pytest.raises(PreviewGone):
        still_of(Moment(video.pk, 0), width=160)
    # Even one that takes pains to look the same is opened as a video only.
    path.write_bytes(replacement.ljust(row.size, b"\0"))
    os.utime(path, ns=(row.mtime_ns, row.mtime_ns))
    with pytest.raises(PreviewGone):
        still_of(Moment(video.pk, 0), width=160)


@pytest.mark.parametrize(
    ("filename", "at_s", "error"),
    [
        ("greys.mp4", 1.5, None),
        ("greys.mp4", 1.4999999, PreviewRefused),
        ("greys.mp4", 1.501, PreviewRefused),
        ("greys.mp4", 0.0, PreviewRefused),
        ("greys.mp4", 60.0, PreviewGone),
        ("Greys.mp4", 1.5, PreviewGone),
        ("", 1.5, PreviewGone),
        ("../greys.mp4", 1.5, PreviewGone),
    ],
)
def test_address_must_agree_with_its_token(
    video: Video, filename: str, at_s: float, error: type[Exception] | None
) -> None:
    token = sign_moment(Moment(video.pk, 1500), context="c")
    if error is None:
        opened = open_named_token(token, context="c", filename=filename, at_s=at_s)
        assert opened == Moment(video.pk, 1500)
    else:
        with pytest.raises(error):
            open_named_token(token, context="c", filename=filename, at_s=at_s)


@given(st.integers(0, 2**32 - 1))
def test_seconds_with_two_decimals_are_exactly_their_milliseconds(at_ms: int) -> None:
    """What the address says as text and the token as milliseconds is the same float."""
    at_ms -= at_ms % 10
    assert float(f"{at_ms / 1000:.2f}") == at_ms / 1000
    assert round(round(at_ms / 1000, 2) * 1000) == at_ms
