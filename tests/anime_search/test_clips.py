"""Clips by video id: cut once, kept, and gone with their source."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np
import pytest
from pytest_django import Settings

from anime_search import clips, runtime
from anime_search.clips import CachedFile, clip_of, scene_of, still_file_of
from anime_search.engine.descriptor import DctDescriptor
from anime_search.engine.stamp import FileStamp
from anime_search.engine.track import make_track, save_track, track_path
from anime_search.engine.video import VideoLimits
from anime_search.errors import PreviewGone
from anime_search.file_cache import Busy, FileCache
from anime_search.models import Video, VideoFile
from anime_search.previews import Moment
from core import clock
from core.errors import Unavailable
from tests.anime_search.engine.clips import PYRAMID, Clip, jpeg_decoded, number_in, write_clip
from tests.anime_search.engine.test_track import drawing

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
    return clip_of(video_id=video.pk, start_s=start_s, end_s=end_s, width=width, mute=mute)


def numbers(cut: CachedFile) -> list[int]:
    with av.open(str(cut.path)) as container:
        return [number_in(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


@pytest.fixture
def cuttings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Notes each clip that is really cut; cutting takes a moment."""
    noted: list[str] = []
    real = clips.cut_clip

    def cut_slowly(*args: object, **options: object) -> object:
        noted.append(str(options["start_s"]))
        time.sleep(0.1)
        return real(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(clips, "cut_clip", cut_slowly)
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


def test_twenty_requests_at_once_cut_once(film: Video, cuttings: list[str], data_dir: Path) -> None:
    source = film_file(film)
    cache = runtime.preview_cache()

    def ask(_: int) -> Path:
        return cache.get_or_make(
            "abc.mp4",
            lambda out: (
                clips.cut_clip(
                    source, start_s=0.0, end_s=1.0, width=64, mute=True, limits=VideoLimits(), out=out
                )
                and None
            ),
            wait_s=10.0,
        )

    with ThreadPoolExecutor(20) as threads:
        assert len(set(threads.map(ask, range(20)))) == 1
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
        clip_of(video_id=film.pk + 1, start_s=0.0, end_s=1.0, width=320, mute=False)


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
    real = clips.cut_clip

    def fill(*args: object, out: Path, **options: object) -> None:
        real(*args, out=out, **options)  # type: ignore[arg-type]
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(clips, "cut_clip", fill)
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
    cut = clip_of(video_id=video.pk, start_s=start_s, end_s=end_s, width=320, mute=True)
    with av.open(str(cut.path)) as container:
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]
    assert len(frames) == pytest.approx(48, abs=2)
    # Not one frame of the neighbours.
    for frame in frames:
        assert np.abs(frame - drawing(1)).mean() < 12


# --- the cache itself


@pytest.fixture
def cache(tmp_path: Path) -> FileCache:
    return FileCache(tmp_path / "cache", 128 * 1000)


def put(cache: FileCache, key: str, size: int, *, age_s: float = 0.0) -> Path:
    path = cache.get_or_make(key, lambda out: out.write_bytes(b"x" * size) and None, wait_s=0.0)
    if age_s:
        used = time.time() - age_s
        os.utime(path, (used, used))
    return path


def test_the_least_recently_used_make_room(cache: FileCache) -> None:
    for number in range(20):
        put(cache, f"old{number:02}", 6000, age_s=1000 - number)
    assert cache.get("old00") is not None
    put(cache, "new", 20_000)
    left = {path.name for path in cache.root.glob("*/*")}
    assert sum(path.stat().st_size for path in cache.root.glob("*/*")) <= 128_000
    assert {"new", "old00", "old19"} <= left
    assert "old01" not in left


def test_a_file_in_use_is_not_removed(cache: FileCache) -> None:
    for number in range(10):
        put(cache, f"recent{number}", 30_000)
    assert all(cache.get(f"recent{number}") for number in range(10))


def test_using_a_file_does_not_change_it(cache: FileCache) -> None:
    path = put(cache, "key", 100, age_s=5000)
    changed = path.stat().st_mtime_ns
    assert cache.get("key") == path
    assert path.stat().st_mtime_ns == changed
    assert path.stat().st_atime > time.time() - 60


def test_waiting_for_somebody_else_has_an_end(cache: FileCache) -> None:
    inside, leave = threading.Event(), threading.Event()

    def slowly(out: Path) -> None:
        inside.set()
        leave.wait(10)
        out.write_bytes(b"whole")

    with ThreadPoolExecutor(1) as thread:
        made = thread.submit(cache.get_or_make, "key", slowly, wait_s=0.0)
        inside.wait(10)
        with pytest.raises(Busy):
            cache.get_or_make("key", slowly, wait_s=0.05)
        leave.set()
        assert made.result().read_bytes() == b"whole"


_HOLDER = """
    import sys, time
    from pathlib import Path
    from anime_search.file_cache import FileCache

    def never(out):
        out.write_bytes(b"half")
        print("inside", flush=True)
        time.sleep(60)

    FileCache(Path(sys.argv[1]), 128_000).get_or_make("key", never, wait_s=0)
"""


def test_what_a_killed_process_left_is_taken_over(cache: FileCache) -> None:
    root = Path(__file__).resolve().parents[2]
    holder = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_HOLDER), str(cache.root)],
        cwd=root,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "inside\n"
        with pytest.raises(Busy):
            put(cache, "key", 5)
        cache.make_room()
        assert len(list(cache.root.rglob("*.part"))) == 1
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    assert cache.get("key") is None
    assert put(cache, "key", 5).read_bytes() == b"xxxxx"
    assert list(cache.root.rglob("*.part")) == []


def test_leftovers_are_removed_when_room_is_made(cache: FileCache) -> None:
    put(cache, "key", 5)
    (cache.root / "ke" / ".kept.part").write_bytes(b"half")
    cache.make_room()
    assert [path.name for path in cache.root.glob("*/*")] == ["key"]


def test_the_cache_has_the_size_of_its_setting(settings: Settings) -> None:
    settings.PREVIEW_CACHE_BYTES = 1 << 24
    assert runtime.preview_cache() is runtime.preview_cache()
    assert runtime.preview_cache()._most_bytes == 1 << 24
