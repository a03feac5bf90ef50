"""A small collection to train on, made by the test that needs it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from itertools import count
from pathlib import Path

import av
import cv2
import numpy as np

from anime_search.training.pictures import Picture
from anime_search.training.splitting import is_fitted_on


def group_names(wanted: int, *, fitted_on: bool) -> list[str]:
    names = (f"group{number}" for number in count())
    chosen = (name for name in names if is_fitted_on(name) == fitted_on)
    return [next(chosen) for _ in range(wanted)]


def blocks(seed: int) -> Picture:
    """(96, 160, 3): blocks of flat colours."""
    colours = np.random.default_rng(seed).integers(0, 256, (6, 10, 3))
    return np.kron(colours, np.ones((16, 16, 1))).astype(np.uint8)


def write_clip(path: Path, seeds: Sequence[int]) -> Path:
    """A clip that holds each picture for three frames."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=12)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.bit_rate = 2_000_000
        for seed in seeds:
            for _repeat in range(3):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(blocks(seed), format="rgb24")))
        container.mux(stream.encode(None))
    return path


def write_still(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), cv2.cvtColor(blocks(seed), cv2.COLOR_RGB2BGR))
    return path


def write_manifest(folder: Path, rows: Iterable[dict[str, str]]) -> None:
    rows = list(rows)
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)
