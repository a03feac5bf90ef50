"""Thumbnails: found by the time their run begins at, whole or not there at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from anime_search.engine.thumbnails import (
    MOST_BYTES,
    QUALITIES,
    ThumbnailError,
    ThumbnailReader,
    encode_thumbnail,
    read_thumbnails,
    thumbnail_times,
    thumbnails_path,
    write_thumbnails,
)
from tests.anime_search.engine.drawings import drawing, frame

VIDEO = "ab" * 32
OTHER = "cd" * 32
TIMES = [0, 83, 417, 10_000, 7_200_000]


@cache
def picture(number: int) -> np.ndarray:
    return frame(drawing(number))


def write(root: Path, video: str = VIDEO, times: list[int] = TIMES) -> Path:
    path = thumbnails_path(root, video)
    with write_thumbnails(path, video) as writer:
        for number, from_ms in enumerate(times):
            writer.add(from_ms, picture(number))
    return path


def shows(found: np.ndarray | None, number: int) -> bool:
    return found is not None and float(np.abs(found.astype(int) - picture(number)).mean()) < 8


def test_a_picture_is_found_by_the_time_its_run_begins_at(tmp_path: Path) -> None:
    path = write(tmp_path)
    assert path == tmp_path / "ab" / f"{VIDEO}.thumbs"
    reader = ThumbnailReader(tmp_path)
    for number, from_ms in enumerate(TIMES):
        found = reader(VIDEO, from_ms)
        assert found is not None
        assert (found.shape, found.dtype) == ((144, 256, 3), np.uint8)
        assert shows(found, number)
    assert not shows(reader(VIDEO, TIMES[1]), 2)


def test_where_nothing_is_stored_there_is_none(tmp_path: Path) -> None:
    write(tmp_path)
    reader = ThumbnailReader(tmp_path)
    for from_ms in (-1, 1, 84, 9_999, 10_001, 8_000_000):
        assert reader(VIDEO, from_ms) is None
    assert reader(OTHER, 0) is None
    assert reader("no\0name", 0) is None
    assert reader("../../etc/passwd", 0) is None


def test_a_video_without_runs_has_an_empty_file(tmp_path: Path) -> None:
    path = write(tmp_path, times=[])
    assert ThumbnailReader(tmp_path)(VIDEO, 0) is None
    assert thumbnail_times(path).tolist() == []
    assert list(read_thumbnails(path)) == []


def test_times_that_step_back_are_found_too(tmp_path: Path) -> None:
    path = write(tmp_path, times=[500, 1000, 700])
    assert thumbnail_times(path).tolist() == [500, 1000, 700]
    assert shows(ThumbnailReader(tmp_path)(VIDEO, 700), 2)
    assert [from_ms for from_ms, _rgb in read_thumbnails(path)] == [500, 1000, 700]


def test_all_pictures_come_in_their_order(tmp_path: Path) -> None:
    found = list(read_thumbnails(write(tmp_path)))
    assert [from_ms for from_ms, _rgb in found] == TIMES
    assert all(shows(rgb, number) for number, (_from_ms, rgb) in enumerate(found))


def test_another_video_s_file_is_not_believed(tmp_path: Path) -> None:
    path = thumbnails_path(tmp_path, OTHER)
    path.parent.mkdir()
    write(tmp_path).rename(path)
    assert ThumbnailReader(tmp_path)(OTHER, 0) is None
    with pytest.raises(ThumbnailError, match="another video"):
        thumbnail_times(path)


def test_a_flipped_byte_costs_a_picture_and_never_shows_a_wrong_one(tmp_path: Path) -> None:
    path = write(tmp_path)
    whole = path.read_bytes()
    lost = 0
    for at in np.random.default_rng(5).integers(0, len(whole), 60):
        broken = bytearray(whole)
        broken[at] ^= 1 << (at % 8)
        path.write_bytes(broken)
        reader = ThumbnailReader(tmp_path)
        for number, from_ms in enumerate(TIMES):
            found = reader(VIDEO, from_ms)
            lost += found is None
            assert found is None or shows(found, number)
    assert lost >= 40


def test_a_damaged_picture_is_told_when_all_are_read(tmp_path: Path) -> None:
    path = write(tmp_path)
    broken = bytearray(path.read_bytes())
    broken[len(broken) // 2] ^= 1
    path.write_bytes(broken)
    with pytest.raises(ThumbnailError, match="damaged"):
        list(read_thumbnails(path))


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99, 0.9999])
def test_a_cut_file_holds_nothing(share: float, tmp_path: Path) -> None:
    path = write(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    assert ThumbnailReader(tmp_path)(VIDEO, 0) is None
    with pytest.raises(ThumbnailError):
        thumbnail_times(path)


def test_a_file_that_claims_a_huge_index_is_not_followed(tmp_path: Path) -> None:
    path = write(tmp_path)
    whole = bytearray(path.read_bytes())
    # The number of pictures lies before the index's offset and the digest.
    whole[-44:-40] = b"\xff\xff\xff\x7f"
    path.write_bytes(whole)
    with pytest.raises(ThumbnailError, match="not a whole file"):
        thumbnail_times(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    for path in (tmp_path / f"{VIDEO}.thumbs", tmp_path):
        with pytest.raises(ThumbnailError):
            thumbnail_times(path)
        with pytest.raises(ThumbnailError):
            list(read_thumbnails(path))


def test_a_writer_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = write(tmp_path)
    before = path.read_bytes()
    with pytest.raises(RuntimeError, match="in the middle"), write_thumbnails(path, VIDEO) as writer:
        writer.add(0, picture(9))
        raise RuntimeError("in the middle")
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_what_a_killed_writer_left_is_swept_and_a_living_one_s_stays(tmp_path: Path) -> None:
    path = thumbnails_path(tmp_path, VIDEO)
    script = (
        "import sys, time, numpy as np\nfrom pathlib import Path\n"
        "from anime_search.engine.thumbnails import write_thumbnails\n"
        "with write_thumbnails(Path(sys.argv[1]), sys.argv[2]) as writer:\n"
        "    for n in range(100): writer.add(n, np.full((144, 256, 3), n, np.uint8))\n"
        "    print('written', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path), VIDEO], stdout=subprocess.PIPE, cwd=Path.cwd()
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        (half,) = path.parent.iterdir()
        write(tmp_path, "ab" * 31 + "ff")
        assert half.exists()
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert half.exists()
    write(tmp_path)
    assert not half.exists()
    assert shows(ThumbnailReader(tmp_path)(VIDEO, 0), 0)


def test_a_file_that_was_made_again_is_read_anew(tmp_path: Path) -> None:
    write(tmp_path)
    reader = ThumbnailReader(tmp_path)
    assert shows(reader(VIDEO, 83), 1)
    time.sleep(0.01)
    write(tmp_path, times=[5, 83])
    assert shows(reader(VIDEO, 5), 0)
    assert reader(VIDEO, 417) is None
    os.unlink(thumbnails_path(tmp_path, VIDEO))
    assert reader(VIDEO, 83) is None


def test_any_number_of_threads_read_at_once(tmp_path: Path) -> None:
    videos = [f"{number:02x}" * 32 for number in range(40)]
    for video in videos:
        write(tmp_path, video, times=[0, 83])
    reader = ThumbnailReader(tmp_path)

    def read(number: int) -> bool:
        return shows(reader(videos[number % 40], 83), 1)

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(read, range(400)))


def test_a_picture_full_of_detail_is_kept_small() -> None:
    detailed = np.random.default_rng(1).integers(0, 256, (36, 64, 3), np.uint8).repeat(4, 0).repeat(4, 1)
    best = cv2.imencode(".jpg", detailed, [cv2.IMWRITE_JPEG_QUALITY, QUALITIES[0]])[1]
    assert len(best) > MOST_BYTES
    assert len(encode_thumbnail(detailed)) <= MOST_BYTES


def test_an_ordinary_picture_is_kept_in_the_best_quality() -> None:
    ordinary = picture(1)
    bgr = cv2.cvtColor(ordinary, cv2.COLOR_RGB2BGR)
    best = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITIES[0]])[1].tobytes()
    assert len(best) <= MOST_BYTES
    assert encode_thumbnail(ordinary) == best
