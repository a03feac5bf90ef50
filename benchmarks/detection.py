"""What telling generated video from real costs: time by stage, throughput, memory and its growth.

A 10-second clip of 720p is judged by 16 frames: in this process, where the stages are timed, and as a worker has it done,
in a child process. Then so many clips at a time, by children of one thread each. Then memory: of one process that judges
clips of several shapes over and over and is never replaced, and of a whole ``manage.py deepfake_analyze``, whose child is
replaced as a worker's is.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

import cv2

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.clips import Film, make_film, source_videos
from benchmarks.memory import ROOT, Course, embedded_environment, watch
from benchmarks.random_detector import write_random_detector
from benchmarks.report import Report, options_parser, say
from benchmarks.spread import Spread
from deepfake.engine.bundle import Bundle
from deepfake.engine.detector import Detector, Stage
from deepfake.engine.scan import ScanLimits
from deepfake.engine.work import Order, judge_video
from video.decoders import DecoderPool

#: The promises: seconds for the clip on two cores, megabytes of a worker, and what still counts as flat, in megabytes
#: over 1000 analyses.
CLIP_S, WORKER_MB, GROWTH_MB = 3.0, 700, 50
#: The clip, and the others that memory is measured with.
CLIP = Film(1280, 720, 10.0, b_frames=True, fps=30)
SHAPES = (
    CLIP,
    Film(406, 720, 6.0, b_frames=True, fps=30),
    Film(640, 360, 4.0, b_frames=False),
    Film(1920, 1080, 3.0, b_frames=True),
)
_TIMEOUT_S = 600.0
_MEMORY_BYTES = 3 << 30


def judge_here(bundle: Path, clips: Sequence[Path], count: int) -> None:
    """What the watched process does that is never replaced."""
    cv2.setNumThreads(1)
    for clip in islice(cycle(clips), count):
        judge_video(_order(clip, bundle, threads=1), lambda _done, _stages: None)


def _order(clip: Path, bundle: Path, *, threads: int) -> Order:
    return Order(clip, bundle, Bundle.read(bundle).stamp(), threads, ScanLimits())


def measure_stages(report: Report, bundle: Bundle, clip: Path, *, rounds: int, threads: int) -> None:
    """Seconds of each stage in this process, and end to end in a child."""
    began = time.perf_counter()
    detector = Detector(bundle, threads=threads)
    loading_s = time.perf_counter() - began
    stages: dict[Stage, list[float]] = {stage: [] for stage in Stage}
    frames = 0
    for turn in range(rounds + 1):
        starts: dict[Stage, float] = {}

        def on_stage(stage: Stage, _share: float, starts: dict[Stage, float] = starts) -> None:
            starts.setdefault(stage, time.perf_counter())

        verdict = detector.detect(clip, on_stage=on_stage)
        frames = len(verdict.frames)
        ends = [*list(starts.values())[1:], time.perf_counter()]
        # The first one warms up caches that a worker has warm.
        for (stage, start), end in zip(starts.items(), ends, strict=True):
            if turn:
                stages[stage].append(end - start)
    whole = [sum(of_turn) for of_turn in zip(*stages.values(), strict=True)]
    pool = DecoderPool(1, memory_bytes=_MEMORY_BYTES)
    try:
        order = _order(clip, bundle.folder, threads=threads)
        times = [_seconds(pool, order) for _ in range(rounds + 1)]
    finally:
        pool.close()
    first_s, worker = times[0], times[1:]
    rows = {
        **{stage.value: of_stage for stage, of_stage in stages.items()},
        "in one process": whole,
        "as a worker has it done": worker,
    }
    report.table(
        f"Seconds for a clip of {CLIP.seconds:g} s, {CLIP.width}x{CLIP.height}, {CLIP.fps} frames a second; "
        f"{frames} frames judged, {threads} threads",
        [{"stage": name, "median (range) s": Spread.of(values).show(3)} for name, values in rows.items()],
    )
    report.notes.append(
        f"Loading the model takes {loading_s:.2f} s; the first video of a child, which starts and loads for it, took "
        f"{first_s:.2f} s."
    )
    if bundle.manifest.faces is None:
        report.notes.append("The model has no face detector: its stage is empty.")
    median = Spread.of(worker).median
    report.figures |= {
        "frames": frames,
        "stages_s": {stage.value: Spread.of(of_stage).median for stage, of_stage in stages.items()},
        "end_to_end_s": median,
        "first_s": first_s,
        "loading_s": loading_s,
    }
    report.target(
        f"a 10-second clip of 720p end to end within {CLIP_S:g} s",
        f"{median:.2f} s",
        met=median <= CLIP_S,
    )


def _seconds(pool: DecoderPool, order: Order) -> float:
    began = time.perf_counter()
    pool.run(judge_video, order, timeout_s=_TIMEOUT_S)
    return time.perf_counter() - began


def measure_throughput(
    report: Report, bundle: Bundle, clip: Path, *, workers: int, clips: int, rounds: int
) -> None:
    """Clips a minute by one child and by several, of one thread each."""
    order = _order(clip, bundle.folder, threads=1)
    found: dict[int, list[float]] = {count: [] for count in dict.fromkeys((1, workers))}
    for turn in range(rounds):
        for count, rates in found.items():
            pool = DecoderPool(count, memory_bytes=_MEMORY_BYTES)
            try:
                with ThreadPoolExecutor(count) as threads:
                    # Every child has its model before the clock runs.
                    list(threads.map(lambda _: _seconds(pool, order), range(2 * count)))  # noqa: B023
                    began = time.perf_counter()
                    list(threads.map(lambda _: _seconds(pool, order), range(clips)))  # noqa: B023
                    rates.append(60 * clips / (time.perf_counter() - began))
            finally:
                pool.close()
            say(f"{count} workers, round {turn + 1} of {rounds}: {rates[-1]:.0f} clips a minute")
    report.table(
        f"Throughput: {clips} clips of {CLIP.seconds:g} s, {CLIP.height}p, a thread each",
        [
            {"workers": str(count), "clips a minute": Spread.of(rates).show(1)}
            for count, rates in found.items()
        ],
    )
    report.figures["clips_per_minute"] = {
        str(count): Spread.of(rates).median for count, rates in found.items()
    }


def measure_memory(
    report: Report, bundle: Bundle, clips: Sequence[Path], work: Path, *, analyses: int, every_s: float
) -> None:
    """Megabytes over so many analyses."""
    environment = embedded_environment(work / "data")
    shutil.copytree(bundle.folder, work / "data" / "models" / bundle.folder.name)
    environment |= {"DEEPFAKE_MODEL": bundle.folder.name, "DEEPFAKE_WORKERS": "1", "DEEPFAKE_THREADS": "1"}
    judging = [__file__, "--judge", str(analyses), "--model", str(bundle.folder), "--clips"]
    analysing = [str(ROOT / "manage.py"), "deepfake_analyze"]
    names = [str(clip) for clip in clips]
    courses = {
        "one process, never replaced": watch(
            [sys.executable, *judging, *names], environment, every_s, quiet=True
        ),
        "manage.py deepfake_analyze": watch(
            [sys.executable, *analysing, *islice(cycle(names), analyses)], environment, every_s, quiet=True
        ),
    }
    report.table(
        f"Memory (MB of RSS, of a process and its children) over {analyses} analyses of "
        + ", ".join(f"{shape.width}x{shape.height}" for shape in SHAPES),
        [_row(name, course, analyses) for name, course in courses.items()],
    )
    report.figures["memory"] = {
        name: {
            "peak_mb": course.peak_mb,
            "slope_mb_per_1000": course.slope_mb_h(analyses / 1000),
            "analyses": analyses,
            "seconds": course.seconds[-1],
        }
        for name, course in courses.items()
    }
    for name, course in courses.items():
        slope = course.slope_mb_h(analyses / 1000)
        report.target(
            f"{name}: at most {WORKER_MB} MB", f"{course.peak_mb:.0f} MB", met=course.peak_mb <= WORKER_MB
        )
        report.target(
            f"{name}: flat (at most {GROWTH_MB} MB more over 1000 analyses)",
            f"{slope:+.1f} MB",
            met=slope <= GROWTH_MB,
        )


def _row(name: str, course: Course, analyses: int) -> dict[str, str]:
    return {
        "what runs": name,
        "seconds": f"{course.seconds[-1]:.0f}",
        **{f"at {share:.0%}": f"{course.at(share):.0f}" for share in (0.1, 0.25, 0.5, 0.75, 0.95)},
        "peak": f"{course.peak_mb:.0f}",
        "slope (MB per 1000 analyses)": f"{course.slope_mb_h(analyses / 1000):+.1f}",
    }


def main() -> None:
    parser = options_parser(__doc__)
    parser.add_argument("--model", type=Path, help="folder of a model; one with random weights if none")
    parser.add_argument(
        "--source", type=Path, help="folder of videos to make the clips of; the demo clip if none"
    )
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each kind")
    parser.add_argument("--threads", type=int, default=2, help="of one analysis that is timed")
    parser.add_argument("--workers", type=int, default=2, help="children that throughput is measured with")
    parser.add_argument("--batch", type=int, default=20, help="clips of one measurement of throughput")
    parser.add_argument("--analyses", type=int, default=1000, help="while memory is watched")
    parser.add_argument("--every", type=float, default=0.25, help="seconds between two looks at memory")
    parser.add_argument("--keep", type=Path, help="folder to keep the clips in, for the next run")
    parser.add_argument("--judge", type=int, metavar="N", help="only judge the clips N times, unwatched")
    parser.add_argument("--clips", type=Path, nargs="+", default=[], help="the clips to judge")
    options = parser.parse_args()
    if options.judge:
        judge_here(options.model, options.clips, options.judge)
        return
    report = Report("detection")
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        bundle = Bundle.read(options.model or write_random_detector(work / "random"))
        sources = source_videos(options.source, work)
        clip, *others = [make_film(shape, sources, options.keep or work) for shape in SHAPES]
        report.notes.append(
            f"Model: {bundle.manifest.name} {bundle.manifest.version}, "
            f"{sum(file.size for file in bundle.manifest.files) / 1e6:.1f} MB."
            + ("" if options.model else " It has the shape of VideoEfficientAttn, and judges by lot.")
        )
        measure_stages(report, bundle, clip, rounds=options.rounds, threads=options.threads)
        measure_throughput(
            report, bundle, clip, workers=options.workers, clips=options.batch, rounds=options.rounds
        )
        measure_memory(
            report, bundle, [clip, *others], work, analyses=options.analyses, every_s=options.every
        )
    report.publish(as_json=options.json)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
