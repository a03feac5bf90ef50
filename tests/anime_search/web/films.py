"""A short video on disk, with its row: what clips and stills are cut out of."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from django.utils import timezone

from anime_search.models import Video, VideoFile

WIDTH, HEIGHT, FPS, SECONDS = 320, 180, 10, 4


def write_film(path: Path) -> None:
    """Four seconds, each of another grey: 40, 90, 140, 190."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=FPS)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = WIDTH, HEIGHT, "yuv420p", FPS
        for number in range(FPS * SECONDS):
            grey = np.full((HEIGHT, WIDTH, 3), 40 + 50 * (number // FPS), np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def film_row(path: Path, **facts: Any) -> Video:
    """The row of a video that lies at ``path``."""
    stat = path.stat()
    row = Video.objects.create(
        **{
            "sha256": "f" * 64, "size": stat.st_size, "filename": path.name, "title": "Greys", "kind": "episode",
            "episode": 2, "duration_ms": 1000 * SECONDS, "width": WIDTH, "height": HEIGHT, "fps": FPS,
            "codec": "mpeg4", **facts,
        }
    )  # fmt: skip
    VideoFile.objects.create(
        video=row, path=str(path), path_sha256=row.sha256, size=stat.st_size, mtime_ns=stat.st_mtime_ns,
        inode="1", seen_at=timezone.now(),
    )  # fmt: skip
    return row
