"""Where benchmarks take their video from, and films made out of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from anime_search.demo import demo_videos
from anime_search.ingest.discovery import VIDEO_SUFFIXES
from benchmarks.report import say

Picture = NDArray[np.uint8]

STILL_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
#: Frames of one source that are held in memory at a time, and their longest side.
_REEL_FRAMES, _REEL_SIDE = 300, 1280


def source_videos(source: Path | None, work: Path) -> list[Path]:
    """The videos of a folder in a stable order; without a folder, the clip of the ``demo`` extra.

    Args:
        work: a folder that the clip may be unpacked to.

    Raises:
        DemoMissing: no folder is named, and the extra is not installed.
        SystemExit: the folder holds no video.
    """
    folder = source or demo_videos(work / "demo")
    videos = sorted(path for path in folder.rglob("*") if path.suffix.lower() in VIDEO_SUFFIXES)
    if not videos:
        raise SystemExit(f"no video in {folder}")
    return videos


def source_stills(source: Path | None) -> list[Path]:
    """The pictures of a folder in a stable order."""
    return sorted(p for p in source.rglob("*") if p.suffix.lower() in STILL_SUFFIXES) if source else []


def frames_of(
    path: Path, *, most: int | None = None, side: int = _REEL_SIDE
) -> Iterator[tuple[float, Picture]]:
    """Time in seconds and (H, W, 3) RGB of a video's frames, reduced to at most ``side`` pixels."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        origin_s = (container.start_time or 0) / 1_000_000
        for number, frame in enumerate(container.decode(stream)):
            if number == most:
                return
            rgb = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
            yield max(0.0, (frame.time or 0.0) - origin_s), at_most(rgb, side)


def read_still(path: Path, *, side: int = _REEL_SIDE) -> Picture:
    """A picture file as (H, W, 3) RGB of at most ``side`` pixels.

    Raises:
        ValueError: OpenCV cannot read it.
    """
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise ValueError(f"{path.name} is no picture")
    return at_most(np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8), side)


def at_most(rgb: Picture, side: int) -> Picture:
    """Reduce a picture so that its longer side is at most ``side``."""
    scale = side / max(rgb.shape[:2])
    if scale >= 1:
        return rgb
    size = (max(2, round(rgb.shape[1] * scale)), max(2, round(rgb.shape[0] * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


@dataclass(frozen=True, slots=True)
class Film:
    """A film to make: its picture, its length, and whether the encoder may use B-frames."""

    width: int
    height: int
    seconds: float
    b_frames: bool
    fps: int = 24

    @property
    def name(self) -> str:
        return f"{self.height}p-{self.seconds:g}s-{'b' if self.b_frames else 'no-b'}.mp4"


def make_film(film: Film, sources: Sequence[Path], folder: Path) -> Path:
    """Make a film of ever new shots out of some videos, encoded as usual files are; an existing one is taken.

    A shot lasts 1.5 to 6 s. It plays a part of a source with its drawings held for 1, 2 or 3 frames, as limited
    animation does, in a new framing and grading; every second shot has a camera movement. H.264 by libx264,
    preset medium, crf 23, 4:2:0; B-frames as the preset has them (3), or none.
    """
    target = folder / film.name
    if target.is_file():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".part.mp4")
    say(f"making {target.name}")
    with av.open(str(partial), "w") as container:
        stream = container.add_stream("libx264", rate=film.fps)
        stream.width, stream.height, stream.pix_fmt = film.width, film.height, "yuv420p"
        stream.options = {"preset": "medium", "crf": "23"}
        if not film.b_frames:
            stream.options |= {"bf": "0"}
        for picture in _film_frames(film, sources):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return partial.replace(target)


def _film_frames(film: Film, sources: Sequence[Path]) -> Iterator[Picture]:
    random = np.random.default_rng(20261122)
    left = round(film.seconds * film.fps)
    reels: dict[Path, list[Picture]] = {}
    while left > 0:
        path = sources[int(random.integers(len(sources)))]
        if path not in reels:
            if len(reels) == 4:
                del reels[next(iter(reels))]
            # Half as large again as the film: room for the camera to move in.
            side = round(1.5 * max(film.width, film.height))
            reels[path] = [rgb for _time_s, rgb in frames_of(path, most=_REEL_FRAMES, side=side)]
        count = min(left, round(random.uniform(1.5, 6.0) * film.fps))
        if reels[path]:
            yield from _shot(reels[path], count, film, random)
            left -= count


def _shot(reel: list[Picture], count: int, film: Film, random: np.random.Generator) -> Iterator[Picture]:
    hold = int(random.choice([1, 2, 3], p=[0.2, 0.5, 0.3]))
    start = int(random.integers(len(reel)))
    first, last = _framing(random), _framing(random)
    moves, mirrored = random.random() < 0.5, random.random() < 0.5
    steps = np.arange(256) / 255.0
    gains, gamma = random.uniform(0.75, 1.1, 3), random.uniform(0.75, 1.3)
    grading = np.clip(255 * gains * steps[:, None] ** gamma, 0, 255).astype(np.uint8)[None]
    for number in range(count):
        # There and back again, so that a short source does not jump.
        position = (start + number // hold) % (2 * len(reel))
        rgb = reel[min(position, 2 * len(reel) - 1 - position)]
        share = number / count if moves else 0.0
        picture = framed(
            rgb,
            tuple(a + share * (b - a) for a, b in zip(first, last, strict=True)),
            (film.width, film.height),
        )
        graded = np.asarray(cv2.LUT(picture, grading), np.uint8)
        yield np.ascontiguousarray(graded[:, ::-1]) if mirrored else graded


def _framing(random: np.random.Generator) -> tuple[float, ...]:
    """Width, and left and upper edge within what is then left, as shares of the picture."""
    return random.uniform(0.65, 1.0), random.random(), random.random()


def framed(rgb: Picture, framing: tuple[float, ...], size: tuple[int, int]) -> Picture:
    """The part of a picture that a camera sees, to the fraction of a pixel, in ``size`` (width, height)."""
    share, across, down = framing
    height, width = rgb.shape[:2]
    scale_x, scale_y = share * width / size[0], share * height / size[1]
    matrix = np.array(
        [[scale_x, 0, across * (1 - share) * width], [0, scale_y, down * (1 - share) * height]], np.float64
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(rgb, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def repeat_film(film: Path, seconds: float, target: Path) -> Path:
    """Make a long film by copying the packets of a short one behind each other, with later times."""
    if target.is_file():
        return target
    say(f"making {target.name}")
    partial = target.with_suffix(f".part{target.suffix}")
    with av.open(str(partial), "w") as output:
        copied: av.VideoStream | None = None
        offset_s = Fraction(0)
        while offset_s < seconds:
            with av.open(str(film)) as container:
                stream = container.streams.video[0]
                copied = copied or output.add_stream_from_template(stream)
                base = stream.time_base or Fraction(1, 1000)
                shift, end = round(offset_s / base), 0
                for packet in container.demux(stream):
                    if packet.pts is None or packet.dts is None:
                        continue
                    end = max(end, packet.pts + (packet.duration or 0))
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = copied
                    output.mux(packet)
                offset_s += end * base
    return partial.replace(target)
