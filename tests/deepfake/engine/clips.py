"""Videos that are drawn: plain scenes with a pattern that moves, of any brightness, with patches of any colour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
WIDTH, HEIGHT, FPS = 320, 240, 8


def write_clip(
    path: Path,
    pictures: Iterable[Picture],
    *,
    fps: int = FPS,
    codec: str = "libx264",
    options: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    container_options: Mapping[str, str] | None = None,
) -> Path:
    """Write pictures of one size as a video; the container is told by the name's suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = {"movflags": "use_metadata_tags"} if tags and path.suffix in (".mp4", ".mov") else {}
    flags |= container_options or {}
    with av.open(str(path), "w", options=flags) as container:
        container.metadata.update(tags or {})
        stream = container.add_stream(
            codec,
            rate=fps,
            options={"preset": "ultrafast", **(options or {})} if "26" in codec else dict(options or {}),
        )
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, fps)
        begun = False
        for picture in pictures:
            if not begun:
                stream.height, stream.width = picture.shape[:2]
                begun = True
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        if begun:
            container.mux(stream.encode())
    return path


def scene(
    count: int,
    *,
    level: int = 128,
    seed: int = 1,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    contrast: int = 60,
    speed: int = 4,
) -> Iterator[Picture]:
    """Pictures around a level of brightness: a pattern of the seed that moves by ``speed`` pixels a picture."""
    random = np.random.default_rng(seed)
    width, height = size
    coarse = random.integers(-contrast // 2, contrast // 2 + 1, (height // 16 + 2, width // 16 + 2, 3))
    pattern = np.kron(
        coarse - coarse.mean(axis=(0, 1), keepdims=True).round().astype(int), np.ones((16, 16, 1), int)
    )
    for number in range(count):
        moved = np.roll(pattern, speed * number, axis=1)[:height, :width]
        yield np.clip(level + moved, 0, 255).astype(np.uint8)


def with_patch(
    pictures: Iterable[Picture],
    colour: tuple[int, int, int],
    *,
    left: int,
    top: int,
    side: int,
    step: int = 0,
) -> Iterator[Picture]:
    """Pictures with a square in them, that moves to the right by ``step`` pixels a picture."""
    for number, picture in enumerate(pictures):
        changed = picture.copy()
        changed[top : top + side, left + step * number : left + step * number + side] = colour
        yield changed
