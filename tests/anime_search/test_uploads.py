"""What callers send as media: pictures pass, of videos the first frame is taken, in a child with limits."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anime_search import runtime
from anime_search.errors import ImageTooLarge, ImageUndecodable
from anime_search.uploads import MAX_BYTES, moving_of, picture_of
from tests.anime_search.engine.clips import Clip, jpeg_decoded, number_in, write_clip


@pytest.fixture(scope="module", autouse=True)
def _child() -> Iterator[None]:
    runtime.open_decoder_pools()
    yield
    runtime.close_decoder_pools()
    runtime.open_decoder_pools()


@pytest.fixture
def folder(data_dir_of_uploads: Path) -> Path:
    return data_dir_of_uploads / "uploads"


@pytest.fixture
def data_dir_of_uploads(settings: object, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path / "data"
    return tmp_path / "data"


def png() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(file, "PNG")
    return file.getvalue()


def test_picture_passes_as_it_is(folder: Path) -> None:
    assert picture_of(png()) == png()
    assert not folder.exists()


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "webm", "avi"])
def test_first_frame_of_a_video_is_taken(folder: Path, tmp_path: Path, suffix: str) -> None:
    codec = {"webm": "libvpx", "avi": "mpeg4"}.get(suffix, "libx264")
    path = write_clip(tmp_path / f"a.{suffix}", Clip(codec=codec))
    picture = picture_of(path.read_bytes())
    assert number_in(jpeg_decoded(picture)) == 0
    assert list(folder.iterdir()) == []


def test_what_is_no_media_is_refused(folder: Path, tmp_path: Path) -> None:
    video = write_clip(tmp_path / "a.mp4", Clip()).read_bytes()
    for media in (b"hello", b"\0" * 5000, b"ffconcat version 1.0\nfile /etc/passwd\n", b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n",
                  video[: len(video) // 2], video[:40]):  # fmt: skip
        with pytest.raises(ImageUndecodable):
            picture_of(media)
    assert list(folder.iterdir()) == []


def test_too_many_bytes_are_refused_before_anything_is_written(folder: Path) -> None:
    with pytest.raises(ImageTooLarge):
        picture_of(b"\0" * (MAX_BYTES + 1))
    assert not folder.exists()


def test_frames_of_a_video_come_out_of_the_child(folder: Path, tmp_path: Path) -> None:
    clip = moving_of(write_clip(tmp_path / "a.mp4", Clip(frames=36)).read_bytes())
    assert clip is not None
    assert [number_in(still.rgb) for still in clip.stills] == pytest.approx(
        [24 * still.time_s for still in clip.stills], abs=1
    )
    assert list(folder.iterdir()) == []


def test_what_does_not_move_is_no_clip_and_starts_no_child(folder: Path) -> None:
    for media in (png(), b"hello", b"\0" * 5000, b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n"):
        assert moving_of(media) is None
    assert not folder.exists()


def test_broken_clip_is_refused(folder: Path, tmp_path: Path) -> None:
    video = write_clip(tmp_path / "a.mp4", Clip()).read_bytes()
    for media in (video[: len(video) // 2], video[:40], b"\x1a\x45\xdf\xa3" + bytes(5000)):
        with pytest.raises(ImageUndecodable):
            moving_of(media)
    with pytest.raises(ImageTooLarge):
        moving_of(video + bytes(MAX_BYTES))
    assert list(folder.iterdir()) == []


def test_child_has_a_limit_on_its_memory(folder: Path) -> None:
    assert runtime.upload_decoder().run(_address_space, timeout_s=30) == 2 * 1024**3


def _address_space(_report: object) -> int:
    import resource

    return resource.getrlimit(resource.RLIMIT_AS)[0]
