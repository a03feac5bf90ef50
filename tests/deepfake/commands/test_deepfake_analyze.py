"""``deepfake_analyze`` on many files, whole and broken ones, in one process."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from deepfake import runtime
from deepfake.engine.bundle import CURRENT
from tests import footage
from tests.deepfake.engine.clips import scene, write_clip
from tests.deepfake.models_shelf import shelve, use
from tests.deepfake.seams import FakeDetector, FakeDownloader

pytestmark = pytest.mark.usefixtures("own_data_dir")


@dataclass(frozen=True, slots=True)
class Called:
    """What the command printed, and how it ended."""

    stdout: str
    stderr: str
    error: str
    returncode: int

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stdout.splitlines()]


def analyze(*names: object) -> Called:
    out, err, error, returncode = io.StringIO(), io.StringIO(), "", 0
    try:
        call_command("deepfake_analyze", "--json", *map(str, names), stdout=out, stderr=err, skip_checks=True)
    except CommandError as failure:
        error, returncode = str(failure), failure.returncode
    return Called(out.getvalue(), err.getvalue(), error, returncode)


@pytest.fixture
def bright(own_data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A site whose model finds what is bright."""
    monkeypatch.setattr(runtime, "SHIPPED", tmp_path / "shipped")
    runtime.open_detectors()
    shelve("bright")
    use("bright")
    yield
    runtime.close_detectors()
    runtime.open_detectors()


def content(bytes_of: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(bytes_of)


def cut(share: float) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        whole = write_clip(path, scene(24, size=(128, 96))).read_bytes()
        path.write_bytes(whole[: int(share * len(whole))])

    return write


#: What may lie in a folder that somebody evaluates with, and the code that stands in its line; None for a verdict.
BROKEN: dict[str, tuple[Callable[[Path], object], str | None]] = {
    "text.mp4": (content(footage.NOT_A_VIDEO), "VIDEO_UNREADABLE"),
    "empty.mp4": (content(b""), "VIDEO_UNREADABLE"),
    "other-files.mp4": (content(b"ffconcat version 1.0\nfile /etc/passwd\n"), "VIDEO_UNREADABLE"),
    "itself.mp4": (content(b"ffconcat version 1.0\nfile itself.mp4\n"), "VIDEO_UNREADABLE"),
    "list.m3u8": (content(b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"), "VIDEO_UNREADABLE"),
    "manifest.mpd": (content(b"<?xml version='1.0'?><MPD/>"), "VIDEO_UNREADABLE"),
    "sound.mp4": (content(footage.sound_only()), "VIDEO_UNREADABLE"),
    "no-frames.mp4": (content(footage.no_frames()), "VIDEO_UNREADABLE"),
    "cut-in-half.mp4": (cut(0.5), "VIDEO_UNREADABLE"),
    "cut-at-the-end.mkv": (cut(0.99), None),
    "huge.mkv": (
        lambda path: write_clip(path, [np.zeros((640, 16384, 3), np.uint8)]),
        "VIDEO_UNREADABLE",
    ),
    "tiny.avi": (lambda path: write_clip(path, scene(8, size=(16, 16)), codec="mpeg4"), None),
    "still.mp4": (lambda path: write_clip(path, scene(1, size=(128, 96))), None),
    "folder.mp4": (Path.mkdir, "FILE_UNREADABLE"),
    "pipe.mp4": (os.mkfifo, "FILE_UNREADABLE"),
    "loop.mp4": (lambda path: path.symlink_to(path), "FILE_UNREADABLE"),
    "absent.mp4": (lambda path: None, "FILE_UNREADABLE"),
}


def test_broken_files_cost_their_own_line_only(bright: None, tmp_path: Path) -> None:
    names: list[Path] = []
    codes: list[str | None] = []
    for number, (name, (make, code)) in enumerate(BROKEN.items()):
        make(tmp_path / name)
        good = write_clip(tmp_path / f"good {number}\n.mp4", scene(8, level=200, size=(64, 48)))
        names += [tmp_path / name, good]
        codes += [code, None]
    called = analyze(*names)
    assert [line["file"] for line in called.lines] == list(map(str, names))
    assert [line.get("code") for line in called.lines] == codes
    for line in called.lines:
        assert ("error" in line) != ("result" in line)
        assert "/etc" not in line.get("error", "")
    assert all(line["result"] == "ai_generated" for line in called.lines[1::2])
    failed = sum(code is not None for code in codes)
    assert (called.error, called.returncode) == (f"{failed} of {len(names)} videos could not be judged", 1)


def test_hundreds_of_files_are_lines_in_their_order(
    tmp_path: Path, detector: FakeDetector, downloader: FakeDownloader
) -> None:
    names = [tmp_path / f"{(7 * number) % 300}.mp4" for number in range(300)]
    for name in names:
        name.write_bytes(b"video")
    called = analyze(*names)
    assert [line["file"] for line in called.lines] == list(map(str, names))
    assert all(line["prob_fake"] == 0.945 for line in called.lines)
    assert (called.error, called.returncode) == ("", 0)
    assert f"300 of 300: {names[-1]}: model" in called.stderr


def test_who_has_chosen_no_detector_is_told_of_the_better_one(
    tmp_path: Path, detector: FakeDetector, downloader: FakeDownloader, settings: Settings
) -> None:
    video = tmp_path / "a.mp4"
    video.write_bytes(b"video")
    assert "deepfake_model install clip-b16-1 --activate" in analyze(video).stderr
    settings.DEEPFAKE_MODEL = CURRENT
    assert "install" not in analyze(video).stderr


def test_fault_of_ours_is_a_line_as_well_and_the_rest_is_judged(
    tmp_path: Path, detector: FakeDetector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    names = [tmp_path / f"{number}.mp4" for number in range(3)]
    for name in names:
        name.write_bytes(b"video")

    def detect(path: Path, **options: Any) -> Any:
        if path == names[1]:
            raise RuntimeError("odd")
        return detector.detect(path, **options)

    monkeypatch.setattr("deepfake.runtime.detect", detect)
    called = analyze(*names)
    assert [line.get("code") for line in called.lines] == [None, "INTERNAL_ERROR", None]
    assert "odd" not in called.stdout
    assert "odd" in caplog.text
    assert called.returncode == 1


def test_video_of_which_only_the_beginning_came_is_told_as_such(
    detector: FakeDetector, downloader: FakeDownloader
) -> None:
    downloader.whole = False
    analyze("https://videos.example/a")
    assert detector.whole == [False]


def test_without_a_model_every_line_says_so(
    own_data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "SHIPPED", tmp_path / "shipped")
    clip = write_clip(tmp_path / "a.mp4", scene(8, size=(64, 48)))
    called = analyze(clip, clip)
    assert len(called.lines) == 2
    assert all(line["error"] and "result" not in line for line in called.lines)
    assert called.returncode == 1
