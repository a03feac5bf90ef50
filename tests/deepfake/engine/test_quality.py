"""When a verdict may be worth less, measured on files that are so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepfake.engine.compression import blockiness_of
from deepfake.engine.quality import Measured, is_heavily_compressed, warnings_of
from deepfake.engine.sampling import SamplingSpec, sample_video
from deepfake.engine.scan import ScanLimits
from deepfake.engine.verdict import Quality
from tests.deepfake.engine.clips import Picture, scene, write_clip


def noisy(count: int) -> list[Picture]:
    """Pictures with grain, which an encoder has to spend bits on."""
    random = np.random.default_rng(5)
    return [
        np.clip(picture.astype(int) + random.integers(-25, 26, picture.shape), 0, 255).astype(np.uint8)
        for picture in scene(count)
    ]


def measured(path: Path) -> Measured:
    return sample_video(path, SamplingSpec(frames=8, short_side=64), limits=ScanLimits()).measured


def warned(path: Path, **faces: bool) -> set[Quality]:
    return set(warnings_of(measured(path), **({"faces_looked_for": False, "faces_found": False} | faces)))


def test_an_ordinary_video_has_no_warning(tmp_path: Path) -> None:
    assert warned(write_clip(tmp_path / "a.mp4", noisy(16), options={"crf": "23"})) == set()


WARNED: dict[Quality, Callable[[], tuple[list[Picture], dict[str, Any]]]] = {
    Quality.TOO_DARK: lambda: (list(scene(16, level=20, contrast=20)), {}),
    Quality.TOO_SHORT: lambda: (list(scene(6)), {}),
    Quality.TOO_SMALL: lambda: (list(scene(16, size=(160, 120))), {}),
    Quality.HEAVILY_COMPRESSED: lambda: (noisy(16), {"crf": "42"}),
    Quality.NEARLY_STILL: lambda: (list(scene(16, speed=0)), {}),
}


@pytest.mark.parametrize("warning", WARNED)
def test_each_warning_is_given_for_what_it_is_about(tmp_path: Path, warning: Quality) -> None:
    pictures, options = WARNED[warning]()
    found = warned(write_clip(tmp_path / "a.mp4", pictures, options={"crf": "23"} | options))
    assert warning in found
    assert found <= {warning, *({Quality.TOO_SHORT} if warning is Quality.NEARLY_STILL else set())}


def test_no_face_is_a_warning_only_where_one_was_looked_for(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", noisy(16), options={"crf": "23"})
    assert warned(path, faces_looked_for=True) == {Quality.NO_FACE}
    assert warned(path, faces_looked_for=True, faces_found=True) == set()


@pytest.mark.parametrize("crf", [20, 30, 40])
def test_the_quantiser_of_h264_is_read_off_the_stream(tmp_path: Path, crf: int) -> None:
    found = measured(write_clip(tmp_path / "a.mp4", noisy(16), options={"qp": str(crf)})).quantiser
    assert found == pytest.approx(crf, abs=3)


def test_of_other_codecs_the_blocks_are_measured(tmp_path: Path) -> None:
    fine = measured(write_clip(tmp_path / "a.avi", noisy(16), codec="mpeg4", options={"b": "9000000"}))
    coarse = measured(write_clip(tmp_path / "b.avi", noisy(16), codec="mpeg4", options={"b": "40000"}))
    assert fine.quantiser is None
    assert not is_heavily_compressed(fine)
    assert is_heavily_compressed(coarse)


def test_blocks_are_told_from_edges_of_the_picture() -> None:
    random = np.random.default_rng(1)
    grain = random.integers(100, 116, (64, 64)).astype(np.uint8)
    assert blockiness_of(grain) == pytest.approx(1, abs=0.1)
    blocks = np.kron(random.integers(100, 116, (8, 8)), np.ones((8, 8), int)).astype(np.uint8)
    assert blockiness_of(blocks) > 5
    edge = grain.copy()
    edge[:, 32:] += 100
    assert blockiness_of(edge) == pytest.approx(blockiness_of(grain), abs=0.15)
