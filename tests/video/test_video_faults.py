"""Files that are no video, not a whole one, or made to do harm."""

from __future__ import annotations

import os
import pickle
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.stream import Disposition
from av.video.frame import VideoFrame
from PIL import Image

from tests.anime_search.engine.clips import PYRAMID, Clip, add_silence, number_in, picture, write_clip
from video.faults import VideoFault
from video.reader import VideoError, VideoLimits, VideoReader

LIMITS = VideoLimits()


def fault_of(path: Path, limits: VideoLimits = LIMITS) -> VideoFault | None:
    """Why a file is refused; None if it is not."""
    try:
        with VideoReader(path, limits) as reader:
            for _ in reader.samples(12):
                pass
    except VideoError as error:
        return error.fault
    return None


# --- cut files

SOUND = {"sound_s": 10.0}
CUT: dict[str, tuple[Clip, VideoFault]] = {
    # The index stands first: what it promises is missing.
    "front.mp4": (Clip(frames=240, muxer={"movflags": "faststart"}), VideoFault.TRUNCATED),
    "front-sound.mp4": (Clip(frames=240, muxer={"movflags": "faststart"}, sound_s=10), VideoFault.TRUNCATED),
    # The index stands last and is lost: without it, nobody knows where a picture begins.
    "back.mp4": (Clip(frames=240), VideoFault.UNREADABLE),
    "fragments.mp4": (
        Clip(
            frames=240,
            options={"preset": "ultrafast", "g": "24"},
            muxer={"movflags": "frag_keyframe+empty_moov"},
        ),
        VideoFault.TRUNCATED,
    ),
    "a.mkv": (Clip(frames=240), VideoFault.TRUNCATED),
    "sound.mkv": (Clip(frames=240, sound_s=14), VideoFault.TRUNCATED),
    "a.webm": (Clip(frames=240, codec="libvpx"), VideoFault.TRUNCATED),
    "a.avi": (Clip(frames=240, codec="mpeg4"), VideoFault.TRUNCATED),
    "sound.avi": (Clip(frames=240, codec="mpeg4", sound_s=12), VideoFault.TRUNCATED),
    "a.wmv": (Clip(frames=240, codec="wmv2"), VideoFault.TRUNCATED),
    "a.flv": (Clip(frames=240), VideoFault.TRUNCATED),
    "a.ivf": (Clip(frames=240, codec="libvpx"), VideoFault.TRUNCATED),
}


@pytest.mark.parametrize("name", CUT)
def test_a_cut_file_is_refused(name: str, tmp_path: Path) -> None:
    clip, fault = CUT[name]
    path = write_clip(tmp_path / name, clip)
    content = path.read_bytes()
    assert fault_of(path) is None
    for share in (0.5, 0.9, 0.99):
        path.write_bytes(content[: int(len(content) * share)])
        assert fault_of(path) is fault, share


@pytest.mark.parametrize("name", ["a.ts", "a.ogv", "a.gif", "a.nut"])
def test_a_container_without_a_length_gives_what_is_there(name: str, tmp_path: Path) -> None:
    """Nothing in these files tells a cut one from a whole one; recordings of broadcasts are cut by nature."""
    codec = {"ogv": "libvpx", "gif": "gif"}.get(name[2:], "libx264")
    clip = Clip(codec=codec, frames=240, pix_fmt="rgb8" if codec == "gif" else "yuv420p")
    path = write_clip(tmp_path / name, clip)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with VideoReader(path, LIMITS) as reader:
        samples = list(reader.samples(2000))
        length_s = reader.measured().duration_s
    # The last picture may be there by half.
    numbers = [number_in(sample.rgb) for sample in samples[:-1]]
    assert numbers == list(range(len(numbers)))
    assert 60 < len(samples) < 180
    assert length_s == pytest.approx(samples[-1].time_s, abs=0.1)


@pytest.mark.parametrize("name", ["back.mp4", "a.mkv", "a.avi", "a.wmv"])
def test_what_stands_behind_a_whole_video_does_no_harm(name: str, tmp_path: Path) -> None:
    clip = Clip(frames=48, codec={"a.avi": "mpeg4", "a.wmv": "wmv2"}.get(name, "libx264"), sound_s=2)
    path = write_clip(tmp_path / name, clip)
    with path.open("ab") as file:
        file.write(b"\0" * 100)
    assert fault_of(path) is None


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_file_with_holes_of_an_unfinished_download_is_refused(name: str, tmp_path: Path) -> None:
    """Peers fill a file of full length piece by piece: it is zeros where they have not."""
    path = write_clip(tmp_path / name, Clip(frames=240, muxer={"movflags": "faststart"}))
    content = bytearray(path.read_bytes())
    third = len(content) // 3
    content[third : 2 * third] = bytes(third)
    path.write_bytes(content)
    assert fault_of(path) in (VideoFault.DAMAGED, VideoFault.TRUNCATED)


# --- no pictures


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mkv"):
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            add_silence(container, container.add_stream("aac", rate=8000), 1.0)
        assert fault_of(path) is VideoFault.NO_VIDEO


@pytest.mark.parametrize(
    ("name", "fault"),
    # MP4 leaves out the track that never got a picture.
    [
        ("a.mkv", VideoFault.NO_FRAMES),
        ("a.avi", VideoFault.NO_FRAMES),
        ("a.mp4", VideoFault.NO_VIDEO),
    ],
)
def test_a_video_track_without_frames(name: str, fault: VideoFault, tmp_path: Path) -> None:
    path = tmp_path / name
    with av.open(str(path), "w") as container:
        track = container.add_stream("mpeg4", rate=24)
        track.width, track.height, track.pix_fmt = 96, 64, "yuv420p"
        track.codec_context.open()
        add_silence(container, container.add_stream("aac", rate=8000), 1.0)
    assert fault_of(path) is fault


def test_frames_none_of_which_decodes(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.avi", Clip(codec="mjpeg", pix_fmt="yuvj420p", frames=20))
    content = bytearray(path.read_bytes())
    at = content.find(b"00dc")
    while 0 <= at < content.find(b"idx1"):
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        content[at + 8 : at + 8 + length] = bytes(length)
        at = content.find(b"00dc", at + 8 + length)
    path.write_bytes(content)
    assert fault_of(path) in (VideoFault.NO_FRAMES, VideoFault.UNREADABLE)


def test_cover_art_is_no_video(tmp_path: Path) -> None:
    cover = tmp_path / "song.mp4"
    with av.open(str(cover), "w") as container:
        art = container.add_stream("mjpeg", rate=1)
        art.width, art.height, art.pix_fmt = 96, 64, "yuvj420p"
        art.disposition = Disposition.attached_pic
        sound = container.add_stream("aac", rate=8000)
        container.mux(art.encode(VideoFrame.from_ndarray(picture(7), format="rgb24")))
        container.mux(art.encode(None))
        add_silence(container, sound, 1.0)
    assert fault_of(cover) is VideoFault.NO_VIDEO


def test_cover_art_before_the_video_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as container:
        _, jpeg = cv2.imencode(".jpg", picture(4000))
        container.add_attachment("cover.jpg", "image/jpeg", jpeg.tobytes())
        track = container.add_stream("mpeg4", rate=24)
        track.width, track.height, track.pix_fmt = 96, 64, "yuv420p"
        for number in range(12):
            container.mux(track.encode(VideoFrame.from_ndarray(picture(number), format="rgb24")))
        container.mux(track.encode(None))
    with VideoReader(path, LIMITS) as reader:
        assert [number_in(sample.rgb) for sample in reader.samples(2000)] == list(range(12))


# --- other things under a video's name


def still(suffix: str) -> Callable[[Path, Path], None]:
    def write(path: Path, _target: Path) -> None:
        Image.fromarray(picture(5, (320, 240))).save(path.with_suffix(suffix))
        path.with_suffix(suffix).rename(path)

    return write


def text(template: str) -> Callable[[Path, Path], None]:
    def write(path: Path, target: Path) -> None:
        path.write_text(template.format(target=target))

    return write


DISGUISES: dict[str, Callable[[Path, Path], None]] = {
    "PNG": still(".png"),
    "JPEG": still(".jpg"),
    "WebP": still(".webp"),
    "BMP": still(".bmp"),
    "prose": text("A video of {target}, but only told. " * 500),
    "concat script": text("ffconcat version 1.0\nfile '{target}'\n"),
    "HLS playlist": text(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:2.0,\n{target}\n#EXT-X-ENDLIST\n"
    ),
    "HLS playlist of a URL": text(
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2.0,\nfile://{target}\n#EXT-X-ENDLIST\n"
    ),
    "DASH manifest": text(
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period>'
        "<AdaptationSet><Representation><BaseURL>{target}</BaseURL></Representation></AdaptationSet></Period></MPD>"
    ),
    "SDP session": text(
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
        "a=rtpmap:96 H264/90000\n"
    ),
    "RealText": text('<window><video src="{target}"/></window>'),
    "SVG": text('<svg xmlns="http://www.w3.org/2000/svg"><image href="{target}"/></svg>'),
    "nothing": text(""),
}


@pytest.mark.parametrize("kind", DISGUISES)
def test_what_is_no_video_is_refused_and_opens_nothing_else(kind: str, tmp_path: Path) -> None:
    target = write_clip(tmp_path / "target.mp4", Clip(frames=5))
    path = tmp_path / "film.mp4"
    DISGUISES[kind](path, target)
    # A file that was read has an access time behind its (old) modification time, even where "relatime" is on.
    os.utime(target, (1_000_000, 2_000_000))
    assert fault_of(path) is VideoFault.UNREADABLE
    assert target.stat().st_atime == 1_000_000
    target.read_bytes()


@pytest.mark.parametrize("name", ["img%03d.mp4", "img*.mp4", "img%03d.png"])
def test_a_name_is_never_a_pattern(name: str, tmp_path: Path) -> None:
    for number in range(3):
        Image.fromarray(picture(number)).save(tmp_path / f"img{number:03d}.png")
    (tmp_path / name).write_bytes((tmp_path / "img000.png").read_bytes())
    assert fault_of(tmp_path / name) is VideoFault.UNREADABLE


NAMES = [
    "a:b.mp4",
    "file:x.mp4",
    "http:x.mp4",
    "concat:a|b.mp4",
    "%03d.mp4",
    "日本語.mp4",
    "two\nlines.mp4",
    "-i.mp4",
]


@pytest.mark.parametrize("name", [*NAMES, os.fsdecode(b"\x83\x41nime.mp4")], ids=ascii)
def test_any_name_of_a_file_is_only_a_name(name: str, tmp_path: Path) -> None:
    content = write_clip(tmp_path / "plain.mp4", Clip(frames=5)).read_bytes()
    (tmp_path / name).write_bytes(content)
    assert fault_of(tmp_path / name) is None


@pytest.mark.timeout(10)
def test_what_is_no_ordinary_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket.mp4"))
        paths = [tmp_path / "pipe.mp4", tmp_path / "socket.mp4", tmp_path, tmp_path / "none.mp4"]
        for path in [*paths, Path("/dev/zero"), Path("/dev/null")]:
            assert fault_of(path) is VideoFault.UNREADABLE, path


# --- too much


def test_huge_dimensions_are_refused_before_decoding(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", Clip(codec="ffv1", size=(512, 300), frames=5))
    content = bytearray(path.read_bytes())
    for element, value in ((b"\xb0\x82", 512), (b"\xba\x82", 300)):
        at = content.index(element + value.to_bytes(2, "big")) + 2
        content[at : at + 2] = (16_000).to_bytes(2, "big")
    path.write_bytes(content)
    with pytest.raises(VideoError) as caught:
        VideoReader(path, LIMITS)
    assert caught.value.fault is VideoFault.TOO_LARGE
    assert caught.value.detail == "16000x16000"


def test_pictures_beyond_the_limit_are_refused_where_only_the_stream_says_so(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.ts", Clip(size=(640, 480), frames=5))
    assert fault_of(path, VideoLimits(max_pixels=640 * 480)) is None
    assert fault_of(path, VideoLimits(max_pixels=640 * 480 - 1)) is VideoFault.TOO_LARGE


def test_pictures_that_grow_beyond_the_limit_are_not_decoded(tmp_path: Path) -> None:
    small = write_clip(tmp_path / "1.ts", Clip(frames=24)).read_bytes()
    large = write_clip(
        tmp_path / "2.ts", Clip(frames=24, size=(640, 480), start_s=1.0, first=24)
    ).read_bytes()
    path = tmp_path / "a.ts"
    path.write_bytes(small + large)
    assert fault_of(path) is None
    seen = []
    with VideoReader(path, VideoLimits(max_pixels=100 * 100)) as reader, pytest.raises(VideoError) as caught:
        seen = [number_in(sample.rgb) for sample in reader.samples(2000)]
    assert caught.value.fault is VideoFault.DAMAGED
    assert seen == []


def test_a_huge_declared_duration_is_refused_before_decoding(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", Clip(frames=48))
    content = path.read_bytes()
    # Matroska's Duration, a float of milliseconds, and the tag of the track that libavformat prefers.
    longer = content.replace(
        b"\x44\x89\x88" + struct.pack(">d", 2000.0), b"\x44\x89\x88" + struct.pack(">d", 1e12)
    )
    assert longer != content
    path.write_bytes(longer.replace(b"00:00:02.000", b"99:00:02.000"))
    with pytest.raises(VideoError) as caught:
        VideoReader(path, LIMITS)
    assert caught.value.fault is VideoFault.TOO_LARGE


def test_a_video_that_goes_on_too_long_is_stopped(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.ts", Clip(frames=96))
    assert fault_of(path, VideoLimits(max_duration_s=3)) is VideoFault.TOO_LARGE
    assert fault_of(path, VideoLimits(max_duration_s=5)) is None


# --- flipped bits


@pytest.mark.parametrize(
    "name", ["a.mp4", "a.mkv", "a.avi", "a.ts", "a.flv", "a.webm", "a.mpg", "a.gif", "a.wmv"]
)
def test_flipped_bits_never_end_the_process(name: str, tmp_path: Path) -> None:
    codec = {"a.avi": "mpeg4", "a.webm": "libvpx", "a.mpg": "mpeg2video", "a.gif": "gif", "a.wmv": "wmv2"}
    kind = codec.get(name, "libx264")
    clip = Clip(codec=kind, frames=48, pix_fmt="rgb8" if kind == "gif" else "yuv420p", options=None)
    whole = np.frombuffer(write_clip(tmp_path / name, clip).read_bytes(), np.uint8)
    random = np.random.default_rng(7)
    faults = []
    for flips in (1, 3, 10, 40, 200):
        for _ in range(3):
            broken = whole.copy()
            places = random.integers(0, len(broken), flips)
            broken[places] ^= (1 << random.integers(0, 8, flips)).astype(np.uint8)
            (tmp_path / name).write_bytes(broken.tobytes())
            faults.append(fault_of(tmp_path / name))
    assert set(faults) <= {None, *VideoFault}


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_little_damage_is_put_up_with(name: str, tmp_path: Path) -> None:
    path = write_clip(tmp_path / name, Clip(frames=240, options=PYRAMID))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 8] = bytes(8)
    path.write_bytes(content)
    assert fault_of(path) is None


def test_an_error_goes_through_pickle_with_its_fault() -> None:
    error = pickle.loads(pickle.dumps(VideoError(VideoFault.TRUNCATED, "3 of 4 s")))
    assert (error.fault, error.detail) == (VideoFault.TRUNCATED, "3 of 4 s")
    assert str(error) == "ends before its declared end (3 of 4 s)"
