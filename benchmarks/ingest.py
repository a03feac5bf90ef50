"""How fast video becomes searchable, against bare decoding and against the naive way.

Three variants take turns on the same files: PyAV decoding every frame and doing nothing with it, what this
project's ingest does with a file (its SHA-256, its track by the descriptor in use, its thumbnails), and the naive way
(each frame converted to 320x180 RGB, and an MPEG-7 colour layout of it in numpy): on one core. An episode in 720p is
then decoded, and ingested, by two threads on all cores. The files are made of the demo clip, or of the videos in a
folder.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from anime_search.engine.bundle import CURRENT
from anime_search.engine.stamp import FileStamp
from anime_search.engine.work import TrackOrder, carry_out, digest_file
from benchmarks.clips import Film, make_film, source_videos
from benchmarks.colour_layout import HEIGHT, WIDTH, colour_layout, colour_layout_tuned
from benchmarks.machine import pin_to_one_core
from benchmarks.report import Report, options_parser
from benchmarks.spread import Run, Spread, ratios, take_turns
from video.reader import VideoLimits

BARE, OURS, NAIVE, TUNED = "bare decoding", "ingest", "naive", "naive, tuned"
#: Ingesting an episode may take so many times as long as decoding it.
MOST_OF_BARE = 1.3


def decode_bare(path: Path, threads: int = 1) -> int:
    """Decode every frame; their number."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = threads
        stream.thread_type = "AUTO"
        return sum(1 for _frame in container.decode(stream))


def index_naively(path: Path) -> int:
    """Decode every frame in one thread, convert it, and make its colour layout; their number."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        layouts = [
            colour_layout(np.asarray(frame.to_ndarray(format="rgb24", width=WIDTH, height=HEIGHT), np.uint8))
            for frame in container.decode(stream)
        ]
    return len(layouts)


def index_naively_tuned(path: Path) -> int:
    """The same with one converter for all frames, its quickest filter, and the quicker colour layout."""
    reformatter = VideoReformatter()
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        layouts = []
        for frame in container.decode(stream):
            small = reformatter.reformat(
                frame, WIDTH, HEIGHT, "rgb24", interpolation=Interpolation.FAST_BILINEAR
            )
            layouts.append(colour_layout_tuned(np.asarray(small.to_ndarray(), np.uint8)))
    return len(layouts)


def index_ours(path: Path, frames: int, rate_hz: float, threads: int = 1) -> int:
    """Do what ingest does with a file; the frames of the file, which all were read though not all decoded."""
    stamp = FileStamp.of(path)
    with tempfile.TemporaryDirectory() as folder:
        carry_out(
            TrackOrder(
                path=path,
                stamp=stamp,
                video=digest_file(path, stamp),
                tracks=Path(folder) / "tracks",
                descriptor=CURRENT,
                rate_hz=rate_hz,
                limits=VideoLimits(),
                threads=threads,
                thumbnails=Path(folder) / "thumbnails",
            )
        )
    return frames


def main() -> None:
    parser = options_parser(__doc__)
    parser.add_argument(
        "--source", type=Path, help="folder of videos to make the films of; the demo clip if none"
    )
    parser.add_argument(
        "--seconds", type=float, default=180, help="length of the 360p films; 720p has a third"
    )
    parser.add_argument(
        "--episode", type=float, default=180, help="seconds of the episode that all cores work on"
    )
    parser.add_argument("--rounds", type=int, default=5, help="times that each variant is measured")
    parser.add_argument("--rate", type=float, default=12.0, help="frames a second that ingest looks at")
    parser.add_argument("--keep", type=Path, help="folder to keep the films in, for the next run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        sources = source_videos(options.source, Path(temporary))
        films = {
            "360p": Film(640, 360, options.seconds, b_frames=True),
            "360p, no B-frames": Film(640, 360, options.seconds, b_frames=False),
            "720p": Film(1280, 720, options.seconds / 3, b_frames=True),
        }
        paths = {name: make_film(film, sources, folder) for name, film in films.items()}
        episode = Film(1280, 720, options.episode, b_frames=True)
        report = Report("ingest")
        measure_episode(
            report, make_film(episode, sources, folder), episode, rounds=options.rounds, rate_hz=options.rate
        )
        pin_to_one_core()
        for name, path in paths.items():
            measure(report, name, path, films[name], rounds=options.rounds, rate_hz=options.rate)
    report.notes.append(
        f"The films: one core, one decoder thread; ingest at {options.rate:g} Hz, {options.rounds} rounds in turns. "
        "A frame of the file counts whether or not a variant decodes it. Ratios are of processor time, round by round."
    )
    report.publish(as_json=options.json)


def measure(report: Report, name: str, path: Path, film: Film, *, rounds: int, rate_hz: float) -> None:
    """Let the variants take turns on one file, and add what they did to the report."""
    frames = decode_bare(path)
    variants: dict[str, Callable[[], int]] = {
        BARE: lambda: decode_bare(path),
        OURS: lambda: index_ours(path, frames, rate_hz),
        NAIVE: lambda: index_naively(path),
        TUNED: lambda: index_naively_tuned(path),
    }
    runs = take_turns(variants, rounds=rounds, label=f"{name}: ")
    cpu = {variant: [_cpu_rate(run) for run in of_variant] for variant, of_variant in runs.items()}
    to_bare = {variant: ratios(rates, cpu[BARE]) for variant, rates in cpu.items()}
    to_naive = {variant: ratios(rates, cpu[NAIVE]) for variant, rates in cpu.items()}
    rate_kbit_s = path.stat().st_size * 8 / 1000 / film.seconds
    report.table(
        f"{name}: {frames} frames, {rate_kbit_s:.0f} kbit/s",
        [
            {
                "variant": variant,
                "frames/s": Spread.of([run.units / run.wall_s for run in runs[variant]]).show(),
                "frames per CPU second": Spread.of(cpu[variant]).show(),
                "of bare decoding": to_bare[variant].show(2),
                "times naive": to_naive[variant].show(2),
            }
            for variant in variants
        ],
    )
    report.figures[name] = {
        "frames": frames,
        "kbit_per_s": rate_kbit_s,
        "frames_per_cpu_second": {variant: Spread.of(rates).median for variant, rates in cpu.items()},
        "of_bare": to_bare[OURS].median,
        "times_naive": to_naive[OURS].median,
    }
    if film.height == 360:
        of_bare, times = to_bare[OURS].median, to_naive[OURS].median
        report.target(f"{name}: at least 80 % of bare decoding", f"{of_bare:.0%}", met=of_bare >= 0.8)
        report.target(f"{name}: at least 3 times the naive way", f"{times:.2f} times", met=times >= 3)


def measure_episode(report: Report, path: Path, film: Film, *, rounds: int, rate_hz: float) -> None:
    """Decode and ingest one episode by two threads in turns: how much longer ingest takes, on the clock."""
    frames = decode_bare(path, threads=2)
    variants: dict[str, Callable[[], int]] = {
        BARE: lambda: decode_bare(path, threads=2),
        OURS: lambda: index_ours(path, frames, rate_hz, threads=2),
    }
    runs = take_turns(variants, rounds=rounds, label="720p episode: ")
    wall = {variant: [run.wall_s for run in of_variant] for variant, of_variant in runs.items()}
    longer = ratios(wall[OURS], wall[BARE])
    report.table(
        f"720p episode of {film.seconds:g} s, two threads: {frames} frames",
        [
            {
                "variant": variant,
                "seconds": Spread.of(wall[variant]).show(2),
                "processor seconds": Spread.of([run.cpu_s for run in runs[variant]]).show(2),
                "times bare decoding": ratios(wall[variant], wall[BARE]).show(2),
            }
            for variant in variants
        ],
    )
    report.figures["720p episode"] = {"frames": frames, "times_bare": longer.median}
    report.target(
        f"an episode in 720p: at most {MOST_OF_BARE} times its decoding",
        f"{longer.median:.2f} times",
        met=longer.median <= MOST_OF_BARE,
    )


def _cpu_rate(run: Run) -> float:
    return run.units / max(run.cpu_s, 1e-9)


if __name__ == "__main__":
    main()
