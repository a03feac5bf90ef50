"""How long a visitor waits for a clip that nobody has asked for before: for its first bytes, and for all of it.

A clip is sent while it is being cut, a quarter of a second at a time: the first bytes are those that play already,
not a header alone. Whoever asks for a range of bytes, as players do, must be told the length, and waits for all.
The source is a film in 1080p H.264 (libx264 as it is set by default: up to 250 frames between keyframes) with AAC
sound, made of the demo clip or of the videos in a folder; clips of 3 seconds begin anywhere in it.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from anime_search.engine.clip import clip_pieces
from anime_search.engine.passage import PassageReader
from benchmarks.clips import Film, make_film, source_videos
from benchmarks.machine import pin_to_one_core
from benchmarks.report import Report, options_parser, say
from video.reader import VideoLimits

LENGTH_S = 3.0
RATE_HZ = 48_000
TARGET_MS = 400.0


@dataclass(frozen=True, slots=True)
class Waits:
    """Milliseconds of many clips, on the clock and of the processor, and their bytes.

    Attributes:
        first_ms, first_cpu_ms: until the first piece was there.
        wall_ms, cpu_ms: until the last one was.
    """

    first_ms: list[float]
    first_cpu_ms: list[float]
    wall_ms: list[float]
    cpu_ms: list[float]
    sizes: list[int]

    def rows(self, name: str) -> list[dict[str, str]]:
        return [
            _row(f"{name}: first", self.first_ms, self.first_cpu_ms),
            _row(f"{name}: all", self.wall_ms, self.cpu_ms) | {"kB": f"{np.median(self.sizes) / 1000:.0f}"},
        ]

    def figures(self) -> dict[str, float]:
        percentiles = {
            f"{what}p{share}_ms": float(np.percentile(waited_ms, share))
            for what, waited_ms in (("first_", self.first_ms), ("", self.wall_ms))
            for share in (50, 90, 99)
        }
        return percentiles | {
            "max_ms": max(self.wall_ms),
            "cpu_p50_ms": float(np.median(self.cpu_ms)),
            "first_cpu_p50_ms": float(np.median(self.first_cpu_ms)),
            "first_cpu_p99_ms": float(np.percentile(self.first_cpu_ms, 99)),
        }


def _row(name: str, waited_ms: list[float], cpu_ms: list[float]) -> dict[str, str]:
    shares = {"min": 0, "p25": 25, "p50": 50, "p75": 75, "p90": 90, "p99": 99, "max": 100}
    return {
        "clips": name,
        **{title: f"{np.percentile(waited_ms, share):.0f}" for title, share in shares.items()},
        **{f"CPU p{share}": f"{np.percentile(cpu_ms, share):.0f}" for share in (50, 90, 99)},
        "kB": "",
        "in 400 ms": f"{np.mean(np.array(waited_ms) <= TARGET_MS):.0%}",
    }


def with_sound(film: Path) -> Path:
    """The film with a track of stereo noise beside it, AAC of 48,000 samples a second; an existing one is taken."""
    target = film.with_name(f"{film.stem}-sound.mp4")
    if target.is_file():
        return target
    random, partial = np.random.default_rng(5), film.with_name(f"{film.stem}-sound.part.mp4")
    with av.open(str(film)) as source, av.open(str(partial), "w") as output:
        stream = source.streams.video[0]
        copied = output.add_stream_from_template(stream)
        track = output.add_stream("aac", rate=RATE_HZ)
        output.start_encoding()
        heard = 0
        for packet in source.demux(stream):
            if packet.dts is None or packet.time_base is None:
                continue
            while heard < float(packet.dts * packet.time_base) * RATE_HZ:
                noise = (0.1 * random.standard_normal((2, 1024))).astype(np.float32)
                frame = av.AudioFrame.from_ndarray(noise, format="fltp", layout="stereo")
                frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, heard, Fraction(1, RATE_HZ)
                output.mux(track.encode(frame))
                heard += 1024
            packet.stream = copied
            output.mux(packet)
        output.mux(track.encode(None))
    return partial.replace(target)


def measure(path: Path, starts: list[float], *, width: int, threads: int) -> Waits:
    waits = Waits([], [], [], [], [])
    for start_s in starts:
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        pieces = clip_pieces(
            path,
            start_s=start_s,
            end_s=start_s + LENGTH_S,
            width=width,
            mute=False,
            limits=VideoLimits(),
            threads=threads,
        )
        size = len(next(pieces))
        waits.first_ms.append(1000 * (time.perf_counter() - wall_s))
        waits.first_cpu_ms.append(1000 * (time.process_time() - cpu_s))
        size += sum(map(len, pieces))
        waits.wall_ms.append(1000 * (time.perf_counter() - wall_s))
        waits.cpu_ms.append(1000 * (time.process_time() - cpu_s))
        waits.sizes.append(size)
    return waits


def stages(path: Path, starts: list[float]) -> dict[str, float]:
    """Milliseconds, on average, until the file is open, until the first frame of the clip, and until its last."""
    taken = np.zeros(3)
    for start_s in starts:
        times = [time.perf_counter()]
        with PassageReader(path, VideoLimits()) as reader:
            reader.hasten()
            times.append(time.perf_counter())
            frames = reader.frames_from(start_s)
            next(frames)
            times.append(time.perf_counter())
            for frame in frames:
                if reader.time_of(frame) >= start_s + LENGTH_S:
                    break
            times.append(time.perf_counter())
        taken += 1000 * np.diff(times)
    names = ("opening", "decoding from the keyframe to the start", "decoding the passage")
    return dict(zip(names, (taken / len(starts)).tolist(), strict=True))


def main() -> None:
    parser = options_parser(__doc__)
    parser.add_argument(
        "--source", type=Path, help="folder of videos to make the film of; the demo clip if none"
    )
    parser.add_argument("--seconds", type=float, default=60, help="length of the film")
    parser.add_argument("--clips", type=int, default=60, help="clips of each kind")
    parser.add_argument("--height", type=int, default=1080, help="of the film")
    parser.add_argument("--keep", type=Path, help="folder to keep the film in, for the next run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        film = Film(options.height * 16 // 9, options.height, options.seconds, b_frames=True)
        path = with_sound(make_film(film, source_videos(options.source, Path(temporary)), folder))
        random = np.random.default_rng(20261122)
        starts = random.uniform(0, max(0.1, options.seconds - LENGTH_S), options.clips).tolist()
        report = Report("previews")
        kbit_s = path.stat().st_size * 8 / 1000 / options.seconds
        report.notes.append(f"{film.height}p of {kbit_s:,.0f} kbit/s; milliseconds on the clock.")
        # First with all cores, as a server has them: a process cannot leave a core again.
        many = min(2, os.cpu_count() or 1)
        say(f"{options.clips} clips with {many} decoder threads")
        kinds = {
            f"640 pixels, {many} decoder threads on all cores": measure(path, starts, width=640, threads=many)
        }
        pin_to_one_core()
        for width in (640, 320, 160):
            say(f"{options.clips} clips of {width} pixels on one core")
            kinds[f"{width} pixels, one core"] = measure(path, starts, width=width, threads=1)
        parts = stages(path, starts)
    report.table(
        "Time to the first bytes and to the last",
        [row for name, waits in kinds.items() for row in waits.rows(name)],
    )
    parts["the rest: sound, scaling, encoding, writing"] = float(
        np.mean(kinds["640 pixels, one core"].wall_ms) - sum(parts.values())
    )
    report.table(
        "Where it goes, on one core",
        [{"stage": name, "ms on average": f"{ms:.0f}"} for name, ms in parts.items()],
    )
    report.figures |= {name: waits.figures() for name, waits in kinds.items()}
    report.figures |= {"stages_ms": parts, "kbit_per_s": kbit_s}
    figures = report.figures["640 pixels, one core"]
    for share, of in ((50, "half of the clips"), (90, "90 of 100 clips"), (99, "99 of 100 clips")):
        value = figures[f"first_p{share}_ms"]
        report.target(
            f"640 pixels on one core, first bytes in 400 ms: {of}", f"{value:.0f} ms", met=value <= TARGET_MS
        )
    value = figures["p50_ms"]
    report.target(
        "640 pixels on one core, all bytes in 400 ms: half of the clips",
        f"{value:.0f} ms",
        met=value <= TARGET_MS,
    )
    report.publish(as_json=options.json)


if __name__ == "__main__":
    main()
