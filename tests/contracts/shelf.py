"""A dozen short videos that show nearly the same: enough to fill an answer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from anime_search import runtime
from anime_search.engine.bundle import descriptor_named
from anime_search.engine.index.segment import VideoFrames
from anime_search.engine.track import FrameTrack, make_track
from anime_search.models import Anime, Video
from tests.contracts.live import Clip, index_store, put_video
from video.reader import VideoReader

COUNT = 12
WIDTH, HEIGHT = 320, 180


@dataclass(frozen=True, slots=True)
class Variant:
    """A video with its track, and its first picture as JPEG."""

    path: Path
    track: FrameTrack
    screenshot: bytes


def make_variants(clip: Clip, folder: Path) -> list[Variant]:
    """Encode one moment of the clip a dozen times, ever more of its left side covered by noise."""
    with VideoReader(clip.path, runtime.VIDEO_LIMITS) as reader:
        picture = cv2.resize(reader.frame_at(2.0, 60).to_ndarray(format="rgb24"), (WIDTH, HEIGHT))
    noise = np.random.default_rng(1).integers(0, 256, (HEIGHT // 20, WIDTH // 20, 3), np.uint8)
    cover = np.asarray(cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST), np.uint8)
    return [_variant(np.asarray(picture, np.uint8), cover, number, folder) for number in range(COUNT)]


def _variant(picture: NDArray[np.uint8], cover: NDArray[np.uint8], number: int, folder: Path) -> Variant:
    shown = picture.copy()
    covered = WIDTH * number // (4 * COUNT)
    shown[:, :covered] = cover[:, :covered]
    path = folder / f"Shelf - {number + 1:02d}.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=12)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = WIDTH, HEIGHT, "yuv420p", 2_000_000
        for time in range(12):
            frame = av.VideoFrame.from_ndarray(shown, format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 12)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    track = make_track(
        path,
        video=hashlib.sha256(path.read_bytes()).hexdigest(),
        descriptor=descriptor_named(runtime.geometry().descriptor),
        rate_hz=12,
        limits=runtime.VIDEO_LIMITS,
    )
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(shown, cv2.COLOR_RGB2BGR))
    return Variant(path, track, jpeg.tobytes())


def index_of(variants: list[Variant], data: Path) -> runtime.IndexHandle:
    """One index of all of them."""
    store = index_store(data)
    with store.writing():
        store.add(
            (
                VideoFrames(
                    variant.track.video,
                    variant.track.descriptors,
                    np.stack([variant.track.from_ms, variant.track.at_ms, variant.track.to_ms]),
                )
                for variant in variants
            ),
            sum(len(variant.track) for variant in variants),
            threads=1,
        )
    return runtime.IndexHandle(store)


def variant_rows(variants: list[Variant]) -> list[Video]:
    """Their rows, each of a title of its own."""
    return [
        put_video(
            Clip(variant.path.parent, variant.path, variant.track),
            anime=Anime.objects.create(anilist_id=100 + number, title_romaji=f"Title {number}"),
            filename=variant.path.name,
        )
        for number, variant in enumerate(variants)
    ]
