"""What networks are given."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from deepfake.engine.inputs import Fit, InputSpec, Layout, in_batches, prepared, seen_part

RAW = InputSpec(width=32, height=32)


def ramp(width: int = 128, height: int = 64) -> NDArray[np.uint8]:
    """Two frames whose red says the column and whose green the row, in 255ths of the whole."""
    red = np.broadcast_to(np.linspace(0, 255, width)[None, :], (height, width))
    green = np.broadcast_to(np.linspace(0, 255, height)[:, None], (height, width))
    frame = np.stack([red, green, np.full((height, width), 51.0)], axis=2).round().astype(np.uint8)
    return np.stack([frame, frame])


def test_raw_input_is_bytes_with_colours_last() -> None:
    batch = prepared(ramp(), RAW)
    assert (batch.shape, batch.dtype) == ((2, 32, 32, 3), np.uint8)
    assert batch[..., 2].tolist() == np.full((2, 32, 32), 51).tolist()


def test_the_middle_of_a_frame_is_kept_where_it_is_covered() -> None:
    batch = prepared(ramp(), RAW)
    assert batch[0, :, 0, 0].mean() == pytest.approx(64, abs=4)
    assert batch[0, :, -1, 0].mean() == pytest.approx(191, abs=4)
    assert batch[0, 0, :, 1].mean() < 8


def test_all_of_a_frame_is_kept_where_it_is_stretched() -> None:
    batch = prepared(ramp(), replace(RAW, fit=Fit.STRETCH))
    assert batch[0, :, 0, 0].mean() < 8
    assert batch[0, :, -1, 0].mean() > 247


def test_a_crop_takes_the_rim_off() -> None:
    batch = prepared(ramp(), replace(RAW, fit=Fit.STRETCH, crop=0.5))
    assert batch[0, :, 0, 0].mean() == pytest.approx(64, abs=4)
    assert batch[0, 0, :, 1].mean() == pytest.approx(64, abs=6)


def test_numbers_are_normalised_and_colours_first_where_the_manifest_says_so() -> None:
    spec = replace(RAW, layout=Layout.NCHW, raw=False, mean=(0.5, 0.5, 0.2), deviation=(0.5, 0.5, 0.1))
    batch = prepared(ramp(), spec)
    assert (batch.shape, batch.dtype) == ((2, 3, 32, 32), np.float32)
    assert batch[:, 2] == pytest.approx(np.zeros((2, 32, 32)), abs=1e-5)
    assert -1 <= batch[:, 0].min() < batch[:, 0].max() <= 1


def test_batches_are_the_whole_in_parts() -> None:
    frames = np.concatenate([ramp(), ramp()[:, ::-1], ramp()[:1]])
    parts = list(in_batches(frames, RAW, 2))
    assert [len(part) for part in parts] == [2, 2, 1]
    assert (np.concatenate(parts) == prepared(frames, RAW)).all()


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (RAW, (0.25, 0.0, 0.5, 1.0)),
        (replace(RAW, fit=Fit.STRETCH), (0.0, 0.0, 1.0, 1.0)),
        (replace(RAW, crop=0.5), (0.375, 0.25, 0.25, 0.5)),
    ],
)
def test_the_part_that_is_seen_is_told(spec: InputSpec, expected: tuple[float, ...]) -> None:
    part = seen_part(128, 64, spec)
    assert (part.left, part.top, part.width, part.height) == pytest.approx(expected, abs=0.01)
