"""How long a visitor waits for a clip that nobody has asked for before: a file's opening to the clip's last byte.

A clip is sent when it is whole (its index comes first), so that is the time to the first byte. The source is a film
in 1080p H.264 (libx264 as it is set by default: up to 250 frames between keyframes) with AAC sound, made of the demo
clip or of the videos in a folder; clips of 3 seconds begin anywhere in it.
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

from anime_search.engine.clip import cut_clip
from anime_search.engine.passage import PassageReader
from anime_search.engine.video import VideoLimits
from benchmarks.clips import Film, make_film, source_videos
from benchmarks.machine import pin_to_one_core
from benchmarks.report import Report, options_parser, say

LENGTH_S = 3.0
RATE_HZ = 48_000
TARGET_MS = 400.0


@dataclass(frozen=True, slots=True)
class Waits:
    """Milliseconds of many clips, on the clock and of the processor, and their bytes."""

    wall_ms: list[float]
    cpu_ms: list[float]
    sizes: list[int]

    def row(self, name: str) -> dict[str, str]:
        shares = (0, 25, 50, 75, 90, 99, 100)
        wall = np.percentile(self.wall_ms, shares)
        return {
            "clips": name,
            **{
                ("min", "p25", "p50", "p75", "p90", "p99", "max")[n]: f"{value:.0f}"
                for n, value in enumerate(wall)
            },
            "CPU p50": f"{np.percentile(self.cpu_ms, 50):.0f}",
            "kB": f"{np.median(self.sizes) / 1000:.0f}",
            "in 400 ms": f"{np.mean(np.array(self.wall_ms) <= TARGET_MS):.0%}",
        }

    def figures(self) -> dict[str, float]:
        percentiles = {f"p{share}_ms": float(np.percentile(self.wall_ms, share)) for share in (50, 90, 99)}
        return percentiles | {"max_ms": max(self.wall_ms), "cpu_p50_ms": float(np.median(self.cpu_ms))}


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


def measure(path: Path, starts: list[float], *, width: int, threads: int, out: Path) -> Waits:
    waits = Waits([], [], [])
    for start_s in starts:
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        cut_clip(
            path,
            start_s=start_s,
            end_s=start_s + LENGTH_S,
            width=width,
            mute=False,
            limits=VideoLimits(),
            threads=threads,
            out=out,
        )
        content = out.read_bytes()
        waits.wall_ms.append(1000 * (time.perf_counter() - wall_s))
        waits.cpu_ms.append(1000 * (time.process_time() - cpu_s))
        waits.sizes.append(len(content))
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
        out = Path(temporary) / "clip.mp4"
        report = Report("previews")
        kbit_s = path.stat().st_size * 8 / 1000 / options.seconds
        report.notes.append(f"{film.height}p of {kbit_s:,.0f} kbit/s; milliseconds on the clock.")
        # First with all cores, as a server has them: a process cannot leave a core again.
        many = min(2, os.cpu_count() or 1)
        say(f"{options.clips} clips with {many} decoder threads")
        kinds = {
            f"640 pixels, {many} decoder threads on all cores": measure(
                path, starts, width=640, threads=many, out=out
            )
        }
        pin_to_one_core()
        for width in (640, 320, 160):
            say(f"{options.clips} clips of {width} pixels on one core")
            kinds[f"{width} pixels, one core"] = measure(path, starts, width=width, threads=1, out=out)
        parts = stages(path, starts)
    report.table("Time to the first byte", [waits.row(name) for name, waits in kinds.items()])
    parts["the rest: sound, scaling, encoding, writing"] = float(
        np.mean(kinds["640 pixels, one core"].wall_ms) - sum(parts.values())
    )
    report.table(
        "Where it goes, on one core",
        [{"stage": name, "ms on average": f"{ms:.0f}"} for name, ms in parts.items()],
    )
    report.figures |= {name: waits.figures() for name, waits in kinds.items()}
    report.figures |= {"stages_ms": parts, "kbit_per_s": kbit_s}
    half, most = (report.figures["640 pixels, one core"][name] for name in ("p50_ms", "p90_ms"))
    report.target(
        "640 pixels on one core in 400 ms: half of the clips", f"{half:.0f} ms", met=half <= TARGET_MS
    )
    report.target(
        "640 pixels on one core in 400 ms: 90 of 100 clips", f"{most:.0f} ms", met=most <= TARGET_MS
    )
    report.publish(as_json=options.json)


if __name__ == "__main__":
    main()
