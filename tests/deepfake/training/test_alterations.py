"""Alterations are drawn by name, do what they say, and end in files that the engine reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deepfake.training.alterations import Alteration, alteration_of, altered, dithered, variant_name
from deepfake.training.clips import ClipsError, TrainingClip
from deepfake.training.copies import read_frames, sample_clip, variant_path
from deepfake.training.touches import framed, resized, touched
from tests.deepfake.engine.clips import scene
from tests.deepfake.training.collection import a_clip

CLIP = np.stack(list(scene(3, size=(96, 64))))


def test_a_name_says_what_is_done() -> None:
    assert alteration_of("plain", "a.mp4") is None
    assert alteration_of("crf38h", "a.mp4") == Alteration(share=0.5, crf=38)
    assert alteration_of("plainh", "a.mp4") == Alteration(share=0.5, crf=23)
    assert alteration_of("crf32", "a.mp4") == Alteration(crf=32)


def test_random_alterations_hang_on_their_number_and_the_clip_alone() -> None:
    assert alteration_of("aug1", "a.mp4") == alteration_of("aug1", "a.mp4")
    drawn = {alteration_of(f"aug{number}", name) for number in range(3) for name in ("a.mp4", "b.mp4")}
    assert len(drawn) == 6


@pytest.mark.parametrize("name", ["", "crf", "crf5", "aug", "blurred", "crf38hh"])
def test_what_is_no_variant_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no variant"):
        variant_name(name)


def test_an_alteration_leaves_its_share_of_the_size() -> None:
    assert altered(CLIP, Alteration(share=0.5)).shape == (3, 32, 48, 3)
    assert np.array_equal(altered(CLIP, Alteration()), CLIP)


@pytest.mark.parametrize(
    "alteration",
    [
        Alteration(gamma=1.3),
        Alteration(blur=1.0),
        Alteration(noise=4.0),
        Alteration(colours=32),
        Alteration(jpeg=40),
    ],
    ids=lambda each: str(each),
)
def test_each_alteration_changes_the_picture_and_keeps_it_recognisable(alteration: Alteration) -> None:
    found = altered(CLIP, alteration)
    assert found.shape == CLIP.shape
    difference = np.abs(found.astype(int) - CLIP)
    assert 0 < difference.mean() < 40
    assert np.array_equal(found, altered(CLIP, alteration))


def test_dither_leaves_as_many_colours_as_a_palette_has() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    assert len(np.unique(dithered(picture, 32).reshape(-1, 3), axis=0)) <= 32


def test_a_copy_has_the_clips_frames_and_colours(clips: list[TrainingClip], copies: Path) -> None:
    plain, copy = (sample_clip(clips[0], variant, copies, frames=4) for variant in ("plain", "crf23"))
    assert plain.frames.shape == copy.frames.shape
    difference = copy.frames.astype(int) - plain.frames
    assert np.abs(difference).mean() < 6
    assert np.abs(difference.mean((0, 1, 2))).max() < 2


def test_a_copy_at_half_the_size_is_looked_at_in_the_same_size(
    clips: list[TrainingClip], copies: Path
) -> None:
    sampled = sample_clip(clips[0], "crf38h", copies, frames=4)
    assert (sampled.facts.height, sampled.frames.shape[1]) == (128, 256)
    assert len(sampled.frames) == 4


def test_a_copy_is_made_once(clips: list[TrainingClip], copies: Path) -> None:
    path = variant_path(clips[1], "crf23", copies)
    made = path.stat().st_mtime_ns
    assert variant_path(clips[1], "crf23", copies) == path
    assert path.stat().st_mtime_ns == made
    assert not list(path.parent.glob("*.part"))


def test_a_clip_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"no video")
    with pytest.raises(ClipsError, match=r"fake/x/0\.mp4"):
        read_frames(a_clip(path=path))


def test_touches_are_the_same_for_the_same_seed_and_keep_the_size() -> None:
    changed = 0
    for seed in range(30):
        one, two = (touched(CLIP, np.random.default_rng(seed)) for _ in range(2))
        assert one.shape == CLIP.shape
        assert one.dtype == np.uint8
        assert np.array_equal(one, two)
        changed += not np.array_equal(one, CLIP)
    assert changed > 15


def test_a_frame_is_a_square_part_of_the_clip() -> None:
    found = {framed(CLIP, 48, np.random.default_rng(seed)).tobytes() for seed in range(8)}
    assert len(found) > 4
    assert framed(CLIP, 224, np.random.default_rng(0)).shape == (3, 224, 224, 3)
    assert resized(CLIP[:, :, :64], 32).shape == (3, 32, 32, 3)
