"""How much memory indexing a long video takes, and whether it grows with the video's length.

A film of hours is made by copying the packets of one of minutes. Its track is then made twice, each time in
processes of its own that are watched from outside: once by ``make_track`` alone, and once by the whole
``manage.py anime_ingest`` with a fresh data directory, all of its processes added up.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from anime_search.engine.descriptor import DctDescriptor
from anime_search.engine.track import make_track
from benchmarks.clips import Film, make_film, repeat_film, source_videos
from benchmarks.report import Report, options_parser, say
from video.reader import VideoLimits, VideoReader

ROOT = Path(__file__).resolve().parent.parent
MEGABYTE = 1_000_000
PEAK_TARGET_MB = 500
#: What still counts as flat: so much more for each further hour of video.
SLOPE_TARGET_MB_H = 25
#: The part of a run that the slope is taken of: start and end have their own needs.
_STEADY = (0.2, 0.9)


@dataclass(frozen=True, slots=True)
class Course:
    """Memory of a process tree over time: seconds, megabytes of RSS added up, and processes."""

    seconds: list[float]
    rss_mb: list[float]
    processes: int

    @property
    def peak_mb(self) -> float:
        return max(self.rss_mb)

    def slope_mb_h(self, hours: float) -> float:
        """Growth for each hour of video, by least squares over the steady part of the run."""
        share = np.array(self.seconds) / self.seconds[-1]
        steady = (share >= _STEADY[0]) & (share <= _STEADY[1])
        if steady.sum() < 3:
            return 0.0
        return float(np.polyfit(share[steady] * hours, np.array(self.rss_mb)[steady], 1)[0])

    def at(self, share: float) -> float:
        """Memory at a share of the run."""
        return float(np.interp(share * self.seconds[-1], self.seconds, self.rss_mb))


def watch(
    command: Sequence[str], environment: dict[str, str], every_s: float, *, quiet: bool = False
) -> Course:
    """Run a command and sample the memory of it and of all its children.

    Pages that processes share are counted in each of them, so the sum is an upper bound.

    Args:
        quiet: whether what the command writes is thrown away.

    Raises:
        SystemExit: the command fails.
    """
    started, said = time.monotonic(), 0.0
    seconds: list[float] = []
    rss_mb: list[float] = []
    most = 0
    child = subprocess.Popen(
        command,
        env=environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL if quiet else sys.stderr,
        stderr=subprocess.DEVNULL if quiet else None,
    )
    while child.poll() is None:
        tree = [psutil.Process(child.pid), *_children(child.pid)]
        seconds.append(time.monotonic() - started)
        rss_mb.append(sum(_rss(process) for process in tree) / MEGABYTE)
        most = max(most, len(tree))
        if seconds[-1] - said > 15:
            said = seconds[-1]
            say(f"{said:.0f} s: {rss_mb[-1]:.0f} MB in {len(tree)} processes")
        time.sleep(every_s)
    if child.returncode:
        raise SystemExit(f"{command} failed")
    return Course(seconds, rss_mb, most)


def _children(pid: int) -> list[psutil.Process]:
    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def make_track_of(path: Path) -> None:
    """What the watched process does."""
    track = make_track(path, video="0" * 64, descriptor=DctDescriptor(), rate_hz=12.0, limits=VideoLimits())
    say(f"{len(track)} runs of frames")


def main() -> None:
    parser = options_parser(__doc__)
    parser.add_argument(
        "--source", type=Path, help="folder of videos to make the film of; the demo clip if none"
    )
    parser.add_argument("--hours", type=float, default=2.0, help="length of the film")
    parser.add_argument("--every", type=float, default=0.25, help="seconds between two samples")
    parser.add_argument("--keep", type=Path, help="folder to keep the films in, for the next run")
    parser.add_argument(
        "--make-track", type=Path, metavar="FILE", help="only make the track of a file, unwatched"
    )
    options = parser.parse_args()
    if options.make_track:
        make_track_of(options.make_track)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        short = Film(640, 360, min(180.0, options.hours * 3600), b_frames=True)
        clip = make_film(short, source_videos(options.source, Path(temporary)), folder)
        film = repeat_film(clip, options.hours * 3600, folder / f"360p-{options.hours:g}h.mp4")
        with VideoReader(film, VideoLimits()) as reader:
            hours = reader.info.duration_s / 3600
        environment = embedded_environment(Path(temporary, "data"))
        manage = [sys.executable, str(ROOT / "manage.py")]
        subprocess.run([*manage, "migrate", "--verbosity", "0"], env=environment, cwd=ROOT, check=True)
        courses = {
            "make_track": watch(
                [sys.executable, __file__, "--make-track", str(film)], environment, options.every
            ),
            "manage.py anime_ingest": watch([*manage, "anime_ingest", str(film)], environment, options.every),
        }
        report_courses(Report("memory"), courses, hours, film.stat().st_size).publish(as_json=options.json)


def embedded_environment(data: Path) -> dict[str, str]:
    """The environment of a server that needs nothing else, with its data in a new folder."""
    data.mkdir()
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    return kept | {"DATA_DIR": str(data), "DJANGO_SETTINGS_MODULE": "config.settings"}


def report_courses(report: Report, courses: dict[str, Course], hours: float, size: int) -> Report:
    """Put what was watched into a report."""
    report.notes.append(
        f"{hours:.2f} hours of 640x360 H.264, {size / MEGABYTE:.0f} MB. RSS is that of the process and all its "
        f"children, added up; the slope is taken from {_STEADY[0]:.0%} to {_STEADY[1]:.0%} of the run."
    )
    report.table(
        "Memory (MB) over the run",
        [
            {
                "what runs": name,
                "processes": str(course.processes),
                "seconds": f"{course.seconds[-1]:.0f}",
                **{f"at {share:.0%}": f"{course.at(share):.0f}" for share in (0.1, 0.25, 0.5, 0.75, 0.95)},
                "peak": f"{course.peak_mb:.0f}",
                "slope (MB per hour of video)": f"{course.slope_mb_h(hours):+.1f}",
            }
            for name, course in courses.items()
        ],
    )
    for name, course in courses.items():
        slope = course.slope_mb_h(hours)
        report.figures[name] = {
            "peak_mb": course.peak_mb,
            "slope_mb_per_hour": slope,
            "processes": course.processes,
            "seconds": course.seconds[-1],
            "samples": len(course.seconds),
        }
        report.target(
            f"{name}: at most {PEAK_TARGET_MB} MB",
            f"{course.peak_mb:.0f} MB",
            met=course.peak_mb <= PEAK_TARGET_MB,
        )
        report.target(
            f"{name}: flat (at most {SLOPE_TARGET_MB_H} MB more for each hour)",
            f"{slope:+.1f} MB",
            met=slope <= SLOPE_TARGET_MB_H,
        )
    return report


if __name__ == "__main__":
    main()
