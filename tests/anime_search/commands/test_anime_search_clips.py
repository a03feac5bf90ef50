"""``anime_search`` with animations and videos."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from anime_search import runtime
from tests.anime_search.commands.conftest import Call
from tests.conftest import MakeVideo
from tests.footage import picture_at, video_bytes, write_picture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("data_dir", "decoders")]


@pytest.fixture
def indexed(ingest: Call, make_video: MakeVideo, collection: Path) -> Iterator[Path]:
    make_video("21/Show S01E04.mkv", seed=1, seconds=5)
    make_video("22/Other - 12.mp4", seed=2)
    assert ingest(collection).returncode == 0
    runtime.open_decoder_pools()
    yield collection


def gif_of(seed: int, times_s: list[float], shown_ms: int) -> bytes:
    frames = [Image.fromarray(picture_at(seed, time_s)) for time_s in times_s]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=shown_ms)
    return file.getvalue()


def test_gif_and_video_are_found_by_their_frames(call: Call, indexed: Path, tmp_path: Path) -> None:
    (tmp_path / "a.gif").write_bytes(gif_of(1, [1.25, 2.25, 3.25, 4.25], 1000))
    (tmp_path / "b.mp4").write_bytes(video_bytes(seed=2, seconds=2))
    write_picture(tmp_path / "c.png", seed=1, time_s=1.25)
    called = call("anime_search", tmp_path / "a.gif", tmp_path / "b.mp4", tmp_path / "c.png")
    assert called.returncode == 0, called.error
    gif, video, picture = called.lines
    assert list(gif) == ["image", "confident", "candidates", "frames", "timings_ms"]
    assert gif["confident"] is True
    assert gif["frames"] == {"asked": 4, "agreeing": 4}
    best = gif["candidates"][0]
    assert best["anilist_id"] == 21
    # The pictures of one scene are blurred and drift by a few pixels: which of them it is hardly shows in a GIF.
    assert 1.0 <= best["at"] < 2.0
    assert best["to"] - best["at"] == pytest.approx(4.0, abs=0.1)
    assert video["confident"] is True
    assert video["candidates"][0]["anilist_id"] == 22
    assert video["candidates"][0]["at"] == pytest.approx(0, abs=0.3)
    assert video["frames"]["agreeing"] >= 2
    assert "frames" not in picture


def test_gif_of_another_video_is_no_match(call: Call, indexed: Path, tmp_path: Path) -> None:
    (tmp_path / "a.gif").write_bytes(gif_of(7, [0.2, 1.2, 2.2, 3.2], 1000))
    (line,) = call("anime_search", tmp_path / "a.gif").lines
    assert line["confident"] is False
    assert line["frames"]["asked"] == 4


def test_broken_video_is_an_error_of_its_line(call: Call, indexed: Path, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(video_bytes(seed=2, seconds=2)[:3000])
    write_picture(tmp_path / "c.png", seed=1, time_s=1.25)
    called = call("anime_search", tmp_path / "a.mp4", tmp_path / "c.png")
    assert called.returncode == 1
    broken, picture = called.lines
    assert broken["error"]
    assert picture["confident"] is True
