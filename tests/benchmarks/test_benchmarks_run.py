"""Every benchmark runs at a tiny size and gives the figures that its documentation speaks of."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

# They are small, but a machine that does other work may take minutes over them.
pytestmark = pytest.mark.timeout(600)

ROOT = Path(__file__).resolve().parents[2]


def run_benchmark(name: str, *arguments: str | Path) -> dict[str, Any]:
    # A benchmark that hangs is asked where it is: faulthandler writes the stacks of all threads on SIGABRT.
    command = [sys.executable, "-X", "faulthandler", ROOT / "benchmarks" / f"{name}.py", *arguments, "--json"]
    with subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            stdout, stderr = process.communicate(timeout=240)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)
            stdout, stderr = process.communicate()
    assert process.returncode == 0, stderr
    report: dict[str, Any] = json.loads(stdout)
    assert report["benchmark"] == name
    assert {"processor", "cores", "memory", "Python", "PyAV", "faiss"} <= report["machine"].keys()
    return report


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of coloured blocks that drift, each in a group of its own."""
    return drifting_blocks(tmp_path_factory.mktemp("collection"), frames=12, step=3)


def drifting_blocks(
    folder: Path, *, frames: int, step: int, groups: Sequence[str] = tuple(f"group{n}" for n in range(10))
) -> Path:
    random = np.random.default_rng(3)
    for group in groups:
        (folder / group).mkdir()
        blocks = np.kron(random.integers(0, 256, (6, 10, 3)), np.ones((16, 16, 1))).astype(np.uint8)
        with av.open(str(folder / group / "clip.mp4"), "w") as container:
            stream = container.add_stream("mpeg4", rate=24)
            stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
            for number in range(frames):
                drifted = np.roll(blocks, step * number, axis=1)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(drifted, format="rgb24")))
            container.mux(stream.encode(None))
    return folder


@pytest.mark.slow
def test_ingest_compares_three_ways_on_three_films_and_two_on_an_episode(collection: Path) -> None:
    lengths = ("--seconds", "1", "--episode", "1")
    figures = run_benchmark("ingest", "--source", collection, *lengths, "--rounds", "1")["figures"]

    episode = figures.pop("720p episode")
    assert episode["frames"] == 24
    assert episode["times_bare"] > 0
    assert figures.keys() == {"360p", "360p, no B-frames", "720p"}
    for of_film in figures.values():
        assert of_film["frames"] > 0
        assert of_film["of_bare"] > 0
        assert of_film["times_naive"] > 0
        assert all(rate > 0 for rate in of_film["frames_per_cpu_second"].values())


@pytest.mark.slow
def test_memory_watches_the_engine_and_the_whole_command(collection: Path) -> None:
    figures = run_benchmark("memory", "--source", collection, "--hours", "0.001", "--every", "0.05")[
        "figures"
    ]

    assert figures.keys() == {"make_track", "manage.py anime_ingest"}
    assert all(course["peak_mb"] > 10 for course in figures.values())
    assert figures["make_track"]["processes"] == 1
    assert figures["manage.py anime_ingest"]["processes"] > 1


@pytest.mark.slow
def test_search_reports_time_recall_and_size(collection: Path, tmp_path: Path) -> None:
    command = (
        "--source",
        collection,
        "--frames",
        "600",
        "--queries",
        "20",
        "--rounds",
        "1",
        "--keep",
        tmp_path,
    )
    figures = run_benchmark("search", *command, "--segments", "2")["figures"]

    assert figures["real_frames"] + figures["virtual_frames"] == 600
    assert figures["real_frames"] > 0
    assert figures["by_ef"].keys() == {"64", "128", "256", "512"}
    for of_ef in figures["by_ef"].values():
        assert 0 < of_ef["p50_ms"] <= of_ef["p99_ms"]
        assert 0.9 < of_ef["recall_at_10_virtual"] <= 1
        assert 0.9 < of_ef["recall_at_10_real"] <= 1
    assert figures["disk_bytes_per_frame"] > 160
    assert 0 < figures["right_scene_exact"] <= 1
    assert 0 < figures["right_scene_unrounded"] <= 1
    assert figures["load_s"].keys() == {"from disk", "from the page cache"}


@pytest.mark.slow
def test_rankings_asks_every_question_and_counts_searches() -> None:
    command = ("--titles", "30", "--days", "40", "--searches", "1200", "--requests", "2", "--postgres", "")
    figures = run_benchmark("rankings", *command)["figures"]

    assert figures.keys() == {"SQLite"}
    assert 0 < figures["SQLite"]["day_rows"] <= 30 * 40
    assert figures["SQLite"]["rows"] > figures["SQLite"]["day_rows"]
    assert {"daily", "weekly", "monthly", "yearly", "all", "recent searches"} < figures["SQLite"][
        "requests_ms"
    ].keys()
    for times in (*figures["SQLite"]["requests_ms"].values(), figures["SQLite"]["count_ms"]):
        assert 0 < times["p50"] <= times["p99"] <= times["max"]


@pytest.mark.slow
def test_previews_times_clips_of_every_size_and_their_stages(collection: Path) -> None:
    command = ("--source", collection, "--seconds", "4", "--clips", "2", "--height", "180")
    figures = run_benchmark("previews", *command)["figures"]

    for width in (640, 320, 160):
        of_width = figures[f"{width} pixels, one core"]
        assert 0 < of_width["p50_ms"] <= of_width["p90_ms"] <= of_width["max_ms"]
    assert len(figures["stages_ms"]) == 4


@pytest.mark.slow
def test_cuts_scores_three_detectors_on_both_halves(tmp_path: Path) -> None:
    slow = drifting_blocks(tmp_path, frames=30, step=1)
    figures = run_benchmark("cuts", "--source", slow, "--films", "1", "--shots", "8")["figures"]

    assert figures.keys() == {"tuning", "held out"}
    for of_half in figures.values():
        assert of_half.keys() == {"ours", "one threshold", "AdaptiveDetector"}
        for of_detector in of_half.values():
            assert 0 <= of_detector["precision"] <= 1
            assert 0 <= of_detector["recall"] <= 1


@pytest.mark.slow
def test_detection_times_stages_and_watches_memory(collection: Path) -> None:
    command = ("--source", collection, "--rounds", "1", "--batch", "2", "--analyses", "4", "--every", "0.05")
    figures = run_benchmark("detection", *command)["figures"]

    assert figures["frames"] == 16
    assert figures["stages_s"].keys() == {"decode", "faces", "model"}
    assert 0 < figures["stages_s"]["model"] < figures["end_to_end_s"] < figures["first_s"]
    assert figures["clips_per_minute"].keys() == {"1", "2"}
    assert figures["memory"].keys() == {"one process, never replaced", "manage.py deepfake_analyze"}
    for course in figures["memory"].values():
        assert course["analyses"] == 4
        assert course["peak_mb"] > 100
