"""Looking over videos, ordinary and hostile ones."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepfake.engine.sampling import Sampled, SamplingSpec, sample_video, stretches_of
from deepfake.engine.scan import Glimpse, ScanLimits, TooLong
from deepfake.engine.verdict import Stretch
from tests import footage
from tests.deepfake.engine.clips import scene, write_clip
from video.faults import VideoFault
from video.reader import VideoError, VideoLimits

SPEC = SamplingSpec(frames=8, short_side=64)


def sampled(path: Path, spec: SamplingSpec = SPEC, limits: ScanLimits | None = None) -> Sampled:
    return sample_video(path, spec, limits=limits or ScanLimits())


def test_frames_are_spread_over_the_whole_video(tmp_path: Path) -> None:
    found = sampled(write_clip(tmp_path / "a.mp4", scene(48)))
    assert found.frames.shape == (8, 64, 86, 3)
    assert found.frames.dtype == np.uint8
    assert found.times_s[0] < 1
    assert found.times_s[-1] > 5
    assert (np.diff(found.times_s) > 0).all()


def test_frames_show_what_the_video_shows(tmp_path: Path) -> None:
    red = [np.full((128, 128, 3), (200, 40, 40), np.uint8)] * 8
    frames = sampled(write_clip(tmp_path / "a.mp4", red)).frames
    assert np.abs(frames.mean(axis=(0, 1, 2)) - (200, 40, 40)).max() < 4


def test_the_facts_are_those_of_the_file(tmp_path: Path) -> None:
    facts = sampled(write_clip(tmp_path / "a.mp4", scene(24))).facts
    assert (facts.width, facts.height, facts.fps, facts.duration_s, facts.codec) == (
        320,
        240,
        8.0,
        3.0,
        "h264",
    )
    size = (tmp_path / "a.mp4").stat().st_size
    assert facts.bits_per_pixel == pytest.approx(8 * size / 24 / 320 / 240, rel=0.15)


def test_of_a_long_video_passages_are_read_that_lie_far_apart(tmp_path: Path) -> None:
    long = write_clip(tmp_path / "a.mp4", scene(400, size=(128, 96)), options={"g": "8"})
    found = sampled(long, limits=ScanLimits(span_s=8))
    assert found.times_s[-1] - found.times_s[0] > 40
    assert len(set(found.shots)) == 8


def test_a_long_video_with_one_keyframe_is_read_from_its_beginning(tmp_path: Path) -> None:
    options = {"g": "9999", "sc_threshold": "0"}
    long = write_clip(tmp_path / "a.mp4", scene(160, size=(128, 96)), options=options)
    found = sampled(long, limits=ScanLimits(span_s=8))
    assert len(found.frames) == 8
    assert 6 < found.times_s[-1] <= 8


def test_the_cost_of_large_pictures_is_bounded_by_their_pixels(tmp_path: Path) -> None:
    video = write_clip(tmp_path / "a.mp4", scene(80), options={"g": "9999", "sc_threshold": "0"})
    found = sampled(video, limits=ScanLimits(pixels=40 * 320 * 240))
    assert found.times_s[-1] <= 5


def test_no_more_pictures_are_held_than_may_be(tmp_path: Path) -> None:
    video = write_clip(tmp_path / "a.mp4", scene(80, size=(128, 96)))
    found = sampled(video, replace(SPEC, frames=64), limits=ScanLimits(held=20))
    assert 15 <= len(found.frames) <= 20
    assert found.times_s[-1] > 8


@pytest.mark.parametrize(
    ("size", "expected"), [((240, 320), (86, 64)), ((2048, 64), (64, 256)), ((64, 2048), (256, 64))]
)
def test_the_short_side_is_what_was_asked_for_and_no_strip_is_endless(
    tmp_path: Path, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    found = sampled(write_clip(tmp_path / "a.mp4", scene(4, size=size)))
    assert found.frames.shape[1:3] == expected


def test_a_single_frame_is_enough(tmp_path: Path) -> None:
    found = sampled(write_clip(tmp_path / "a.mp4", scene(1)))
    assert found.frames.shape == (1, 64, 86, 3)
    assert found.times_s.tolist() == [0.0]


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".webm", "libvpx"), (".avi", "mpeg4"), (".mkv", "mpeg4"), (".gif", "gif")]
)
def test_other_containers_and_codecs_are_read(tmp_path: Path, suffix: str, codec: str) -> None:
    if codec == "gif":
        path = gif(tmp_path / "a.gif")
    else:
        path = write_clip(tmp_path / f"a{suffix}", scene(16, size=(128, 96)), codec=codec)
    assert len(sampled(path).frames) == 8


def gif(path: Path) -> Path:
    from PIL import Image

    first, *others = [Image.fromarray(picture) for picture in scene(16, size=(128, 96))]
    first.save(path, save_all=True, append_images=others, duration=125)
    return path


def test_what_a_download_left_half_done_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    path.write_bytes(footage.truncated())
    assert len(sampled(path).frames) == 8


def broken(content: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / "a.mp4"
        path.write_bytes(content)
        return path

    return write


HOSTILE = {
    "empty": (broken(b""), VideoFault.UNREADABLE),
    "text": (broken(footage.NOT_A_VIDEO), VideoFault.UNREADABLE),
    "other files named": (broken(b"ffconcat version 1.0\nfile /etc/passwd\n"), VideoFault.UNREADABLE),
    "sound only": (broken(footage.sound_only()), VideoFault.NO_VIDEO),
    "no frame": (broken(footage.no_frames()), VideoFault.NO_FRAMES),
    "cut before its index": (broken(footage.video_bytes(seed=1)[:3000]), VideoFault.UNREADABLE),
    "absent": (lambda folder: folder / "none.mp4", VideoFault.UNREADABLE),
    "a folder": (lambda folder: folder, VideoFault.UNREADABLE),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_video_is_refused(tmp_path: Path, name: str) -> None:
    make, fault = HOSTILE[name]
    with pytest.raises(VideoError) as refused:
        sampled(make(tmp_path))
    assert refused.value.fault is fault


def test_pictures_sixteen_thousand_pixels_wide_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    wide = [np.zeros((640, 16384, 3), np.uint8)]
    path = write_clip(tmp_path / "a.mkv", wide)
    with pytest.raises(VideoError) as refused:
        sampled(path)
    assert refused.value.fault is VideoFault.TOO_LARGE


def test_a_video_longer_than_the_limit_is_refused(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", scene(24, size=(128, 96)))
    with pytest.raises(VideoError) as refused:
        sampled(path, limits=ScanLimits(video=VideoLimits(max_duration_s=2)))
    assert refused.value.fault is VideoFault.TOO_LARGE


#: Containers that say how long the video is, that say about how long it is, and that say nothing.
LASTING = {
    "declared": ("a.mp4", "libx264", {}),
    "estimated": ("a.ts", "mpeg2video", {}),
    "unsaid, with times": ("b.mp4", "libx264", {"movflags": "frag_keyframe+empty_moov+default_base_moof"}),
    "unsaid, without times": ("a.h264", "libx264", {}),
}


def lasting(folder: Path, name: str, seconds: int) -> Path:
    file, codec, flags = LASTING[name]
    pictures = scene(8 * seconds, size=(128, 96))
    path = write_clip(folder / file, pictures, codec=codec, options={"g": "8"}, container_options=flags)
    if name == "unsaid, with times":
        live = path.read_bytes()
        # As a live stream is stored: without the length of the whole.
        path.write_bytes(live.replace(b"mehd", b"free").replace(b"mfra", b"free").replace(b"sidx", b"free"))
    return path


@pytest.mark.parametrize("name", LASTING)
def test_a_video_that_is_too_long_is_told_from_other_faults(tmp_path: Path, name: str) -> None:
    # Of a bare stream nothing says how fast it is shown: it is taken to have 25 pictures a second.
    lasts_s = 9.6 if name == "unsaid, without times" else 30
    path = lasting(tmp_path, name, 30)
    short, enough = (
        ScanLimits(span_s=4, video=VideoLimits(max_duration_s=most_s))
        for most_s in (lasts_s - 1, lasts_s + 1)
    )
    with pytest.raises(TooLong):
        sampled(path, limits=short)
    assert sampled(path, limits=enough).facts.duration_s == pytest.approx(lasts_s, abs=0.3)


def test_a_video_that_lasts_longer_than_it_says_is_refused_where_that_shows(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.avi", scene(80, size=(128, 96)), codec="mpeg4")
    content = bytearray(path.read_bytes())
    # The stream's dwLength.
    at = content.index(b"strh") + 8 + 32
    assert int.from_bytes(content[at : at + 4], "little") == 80
    content[at : at + 4] = (8).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(TooLong):
        sampled(path, limits=ScanLimits(video=VideoLimits(max_duration_s=5)))


def test_of_a_short_video_one_stretch_was_seen(tmp_path: Path) -> None:
    assert sampled(write_clip(tmp_path / "a.mp4", scene(24))).stretches == (Stretch(0.0, 3.0),)
    assert sampled(write_clip(tmp_path / "b.mp4", scene(3), fps=1)).stretches == (Stretch(0.0, 3.0),)


def test_of_a_long_video_every_passage_is_a_stretch(tmp_path: Path) -> None:
    long = write_clip(tmp_path / "a.mp4", scene(400, size=(128, 96)), options={"g": "8"})
    found = sampled(long, limits=ScanLimits(span_s=8))
    assert len(found.stretches) == 8
    assert all(0.9 <= stretch.to_s - stretch.from_s <= 1.1 for stretch in found.stretches)
    assert [stretch.from_s for stretch in found.stretches] == sorted(
        stretch.from_s for stretch in found.stretches
    )
    for time_s in found.times_s:
        assert any(stretch.from_s <= time_s <= stretch.to_s for stretch in found.stretches)


def test_passages_that_follow_one_another_are_one_stretch() -> None:
    nothing = np.zeros(0, np.float32)
    glimpses = [
        Glimpse(time_s, passage, np.zeros((3, 2), np.uint8), 0, nothing, nothing, 0, 0)
        for passage, times in enumerate(((0.0, 0.5), (1.0, 1.5), (4.0,)))
        for time_s in times
    ]
    found = stretches_of(glimpses, step_s=0.5, duration_s=4.2)
    assert found == (Stretch(0.0, 2.0), Stretch(4.0, 4.2))


def test_a_video_that_is_stored_on_its_side_is_turned(tmp_path: Path) -> None:
    frames = sampled(write_clip(tmp_path / "a.mp4", scene(8))).frames
    turned = turn(write_clip(tmp_path / "b.mp4", scene(8)))
    upright = sampled(turned)
    assert upright.frames.shape[1:3] == (86, 64)
    assert (upright.facts.width, upright.facts.height) == (240, 320)
    best = min(
        np.abs(np.rot90(frames[0], quarters).astype(int) - upright.frames[0]).mean() for quarters in (1, 3)
    )
    assert best < 6


def turn(path: Path) -> Path:
    """Give the track a display matrix of a quarter turn (ISO/IEC 14496-12, ``tkhd``)."""
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 4 + 40
    one = (1 << 16).to_bytes(4, "big")
    matrix = [bytes(4), one, bytes(4), (-(1 << 16)).to_bytes(4, "big", signed=True), bytes(4), bytes(4)]
    content[at : at + 24] = b"".join(matrix)
    path.write_bytes(content)
    return path


def test_progress_goes_up_to_all(tmp_path: Path) -> None:
    shares: list[float] = []
    path = write_clip(tmp_path / "a.mp4", scene(32))
    sample_video(path, SPEC, limits=ScanLimits(), on_share=shares.append)
    assert shares == sorted(shares)
    assert 0.9 < shares[-1] <= 1


def test_several_threads_sample_at_a_time(tmp_path: Path) -> None:
    paths = [write_clip(tmp_path / f"{level}.mp4", scene(16, level=level)) for level in (60, 120, 180)]
    means: dict[Path, float] = {}
    threads = [
        threading.Thread(target=lambda path=path: means.update({path: float(sampled(path).frames.mean())}))
        for path in paths * 2
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [round(means[path], -1) for path in paths] == [60, 120, 180]
