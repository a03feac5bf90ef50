"""Clips by video id: cut once, kept, and gone with their source."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from pytest_django import Settings

from anime_search import clips, runtime
from anime_search.clips import (
    CachedFile,
    LiveClip,
    live_clip,
    passage_of,
    scene_of,
    still_file_of,
    whole_clip,
)
from anime_search.engine.descriptor import DctDescriptor
from anime_search.engine.stamp import FileStamp
from anime_search.engine.track import make_track, save_track, track_path
from anime_search.errors import PreviewGone, PreviewsLimited
from anime_search.models import Video, VideoFile
from anime_search.previews import Moment
from core import clock
from core.errors import Unavailable
from tests.anime_search.engine.clips import PYRAMID, Clip, jpeg_decoded, number_in, write_clip
from tests.anime_search.engine.test_track import drawing
from video.reader import VideoLimits

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

FILM = Clip(frames=144, fps=24, options=PYRAMID, sound_s=6.0)


def video_at(path: Path, *, sha256: str = "ab" * 32, duration_s: float = 6.0) -> Video:
    video = Video.objects.create(
        sha256=sha256,
        size=path.stat().st_size,
        filename=path.name,
        title="Film",
        kind="episode",
        duration_ms=round(duration_s * 1000),
        width=96,
        height=64,
        fps=24.0,
        codec="h264",
    )
    stamp = FileStamp.of(path)
    VideoFile.objects.create(
        video=video,
        path=str(path),
        path_sha256=sha256,
        size=stamp.size,
        mtime_ns=stamp.mtime_ns,
        inode=stamp.inode,
        seen_at=clock.now(),
    )
    return video


@pytest.fixture
def film(tmp_path: Path) -> Video:
    return video_at(write_clip(tmp_path / "film.mp4", FILM))


def film_file(video: Video) -> Path:
    return Path(video.files.get().path)


def clip(
    video: Video, start_s: float = 1.0, end_s: float = 2.0, width: int = 640, mute: bool = False
) -> CachedFile:
    return whole_clip(passage_of(video_id=video.pk, start_s=start_s, end_s=end_s, width=width, mute=mute))


def live(video: Video, start_s: float = 1.0) -> LiveClip:
    passage = passage_of(video_id=video.pk, start_s=start_s, end_s=start_s + 2, width=640, mute=True)
    begun = live_clip(passage)
    assert isinstance(begun, LiveClip)
    return begun


def numbers(cut: CachedFile) -> list[int]:
    with av.open(str(cut.path)) as container:
        return [number_in(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


@pytest.fixture
def cuttings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Notes each clip that is really cut; cutting takes a moment."""
    noted: list[str] = []
    real = clips.clip_pieces

    def cut_slowly(*args: Any, **options: Any) -> Any:
        noted.append(str(options["start_s"]))
        time.sleep(0.1)
        return real(*args, **options)

    monkeypatch.setattr(clips, "clip_pieces", cut_slowly)
    return noted


def leftovers(data_dir: Path) -> list[str]:
    return [path.name for path in data_dir.rglob(".*.part")]


# --- clips


def test_a_clip_is_a_file_of_the_passage(film: Video, data_dir: Path) -> None:
    cut = clip(film)
    assert numbers(cut) == list(range(24, 48))
    assert (cut.start_s, cut.end_s) == (1.0, 2.0)
    assert cut.bytes == cut.path.stat().st_size
    assert cut.path.is_relative_to(data_dir / "previews")
    assert leftovers(data_dir) == []


def test_the_same_clip_is_cut_once(film: Video, cuttings: list[str]) -> None:
    first = clip(film)
    assert clip(film) == first
    assert len(cuttings) == 1


def test_each_difference_is_another_clip(film: Video, cuttings: list[str]) -> None:
    made = [clip(film), clip(film, 1.1), clip(film, end_s=2.1), clip(film, width=320), clip(film, mute=True)]
    assert len({cut.path for cut in made}) == len(cuttings) == 5
    with av.open(str(made[-1].path)) as muted, av.open(str(made[0].path)) as loud:
        assert not muted.streams.audio
        assert loud.streams.audio


def test_a_clip_that_is_cut_again_has_the_same_etag(film: Video) -> None:
    first = clip(film)
    first.path.unlink()
    assert clip(film).etag == first.etag
    assert clip(film, 2.0, 3.0).etag != first.etag


def test_twenty_requests_at_once_cut_once(
    film: Video, cuttings: list[str], data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clips, "_TURNS", threading.BoundedSemaphore(20))
    passage = passage_of(video_id=film.pk, start_s=0.0, end_s=1.0, width=64, mute=True)
    with ThreadPoolExecutor(20) as threads:
        assert len(set(threads.map(lambda _: whole_clip(passage), range(20)))) == 1
    assert len(cuttings) == 1
    assert leftovers(data_dir) == []


def test_times_are_kept_inside_the_video(film: Video) -> None:
    early = clip(film, -1.0, 0.5)
    assert (early.start_s, early.end_s, numbers(early)) == (0.0, 0.5, list(range(12)))
    late = clip(film, 5.5, 8.0)
    assert (late.start_s, late.end_s, numbers(late)) == (5.5, 6.0, list(range(132, 144)))
    assert numbers(clip(film, 6.2, 8.0)) == [143]


def test_a_time_outside_the_video_is_gone(film: Video) -> None:
    with pytest.raises(PreviewGone):
        clip(film, 7.5, 9.0)
    with pytest.raises(PreviewGone):
        scene_of(Moment(film.pk, 7500))
    with pytest.raises(PreviewGone):
        passage_of(video_id=film.pk + 1, start_s=0.0, end_s=1.0, width=320, mute=False)


def test_a_source_that_is_gone_or_another_file_by_now_gives_no_clip(film: Video) -> None:
    kept = clip(film)
    path = film_file(film)
    os.utime(path, ns=(0, 0))
    with pytest.raises(PreviewGone):
        clip(film)
    path.unlink()
    with pytest.raises(PreviewGone):
        clip(film, 3.0, 4.0)
    with pytest.raises(PreviewGone):
        still_file_of(Moment(film.pk, 1000), width=320)
    assert kept.path.exists()


def test_a_broken_source_is_gone_and_leaves_nothing(tmp_path: Path, data_dir: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"not a video at all" * 100)
    broken = video_at(tmp_path / "film.mp4")
    for _ in range(2):
        with pytest.raises(PreviewGone):
            clip(broken)
    assert leftovers(data_dir) == []


def test_a_full_disk_is_unavailable_and_leaves_nothing(
    film: Video, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = clips.clip_pieces

    def fill(*args: Any, **options: Any) -> Generator[bytes]:
        yield from real(*args, **options)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(clips, "clip_pieces", fill)
        with pytest.raises(Unavailable):
            clip(film)
    assert leftovers(data_dir) == []
    assert numbers(clip(film))[0] == 24


def test_a_folder_that_cannot_be_written_is_unavailable(film: Video, data_dir: Path) -> None:
    (data_dir / "previews").write_text("in the way")
    with pytest.raises(Unavailable):
        clip(film)


def test_too_many_clips_at_a_time_are_refused(film: Video, monkeypatch: pytest.MonkeyPatch) -> None:
    slots = threading.BoundedSemaphore(1)
    monkeypatch.setattr(runtime, "preview_slots", lambda: slots)
    monkeypatch.setattr(clips, "WAIT_S", 0.1)
    with slots, pytest.raises(Unavailable):
        clip(film)
    assert numbers(clip(film))[0] == 24


def test_cutting_that_takes_too_long_is_given_up(
    film: Video, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clips, "CUTTING_S", -1.0)
    with pytest.raises(Unavailable):
        clip(film)
    assert leftovers(data_dir) == []


# --- clips that are sent while they are cut


def test_a_live_clip_is_kept_as_it_was_sent(film: Video, data_dir: Path) -> None:
    begun = live(film)
    sent = list(begun)
    begun.close()
    kept = live_clip(passage_of(video_id=film.pk, start_s=1.0, end_s=3.0, width=640, mute=True))
    assert isinstance(kept, CachedFile)
    assert kept.path.read_bytes() == b"".join(sent)
    assert len(sent) >= 5
    assert leftovers(data_dir) == []


def test_a_live_clip_that_nobody_takes_to_its_end_is_given_up(
    film: Video, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns, slots = threading.BoundedSemaphore(1), threading.BoundedSemaphore(1)
    monkeypatch.setattr(clips, "_TURNS", turns)
    monkeypatch.setattr(runtime, "preview_slots", lambda: slots)
    for taken in (0, 2):
        begun = live(film)
        pieces = iter(begun)
        for _ in range(taken):
            next(pieces)
        assert leftovers(data_dir)
        begun.close()
        assert leftovers(data_dir) == []
    # Both places are free again, and so is the file.
    assert numbers(clip(film, 1.0, 3.0, mute=True)) == list(range(24, 72))


def test_a_live_clip_is_waited_for_by_others(film: Video, cuttings: list[str]) -> None:
    begun = live(film)
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(
            whole_clip, passage_of(video_id=film.pk, start_s=1.0, end_s=3.0, width=640, mute=True)
        )
        sent = b"".join(begun)
        assert waiting.result().path.read_bytes() == sent
    assert len(cuttings) == 1


def test_a_broken_source_is_known_before_anything_is_sent(tmp_path: Path, data_dir: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"not a video at all" * 100)
    with pytest.raises(PreviewGone):
        live(video_at(tmp_path / "film.mp4"))
    assert leftovers(data_dir) == []


def test_who_may_not_have_a_clip_cut_may_have_one_that_was(film: Video, cuttings: list[str]) -> None:
    def refuse() -> None:
        raise PreviewsLimited

    passage = passage_of(video_id=film.pk, start_s=1.0, end_s=2.0, width=64, mute=True)
    with pytest.raises(PreviewsLimited):
        whole_clip(passage, on_cut=refuse)
    assert cuttings == []
    whole_clip(passage)
    assert whole_clip(passage, on_cut=refuse).bytes > 0


# --- stills and scenes


def test_stills_are_kept_too(film: Video, monkeypatch: pytest.MonkeyPatch) -> None:
    still = still_file_of(Moment(film.pk, 2000), width=320)
    assert number_in(jpeg_decoded(still.path.read_bytes())) == 48
    monkeypatch.setattr(clips, "still_at", lambda *_, **__: pytest.fail("taken again"))
    assert still_file_of(Moment(film.pk, 2000), width=320) == still


def test_a_scene_ends_where_its_track_says(tmp_path: Path) -> None:
    shown = [drawing(n // 48) for n in range(144)]
    clip_ = Clip(size=(128, 72), frames=144, fps=24, options={"preset": "ultrafast", "crf": "12"})
    path = write_clip(tmp_path / "film.mp4", clip_, pictures=shown)
    video = video_at(path)
    assert scene_of(Moment(video.pk, 3000)) == (0.0, 6.0)
    track = make_track(path, video=video.sha256, descriptor=DctDescriptor(), rate_hz=12, limits=VideoLimits())
    save_track(track, track_path(runtime.tracks_dir(), DctDescriptor.name, video.sha256))
    start_s, end_s = scene_of(Moment(video.pk, 3000))
    assert (start_s, end_s) == pytest.approx((2.0, 4.0), abs=0.05)
    cut = clip(video, start_s, end_s, width=320, mute=True)
    with av.open(str(cut.path)) as container:
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]
    assert len(frames) == pytest.approx(48, abs=2)
    # Not one frame of the neighbours.
    for frame in frames:
        assert np.abs(frame - drawing(1)).mean() < 12


def test_the_cache_has_the_size_of_its_setting(settings: Settings) -> None:
    settings.PREVIEW_CACHE_BYTES = 1 << 24
    assert runtime.preview_cache() is runtime.preview_cache()
    assert runtime.preview_cache()._most_bytes == 1 << 24
