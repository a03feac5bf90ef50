"""What is fitted on is what the benchmarks leave alone."""

from __future__ import annotations

from pathlib import Path

from anime_search.training.splitting import is_fitted_on
from benchmarks.collection import Item, Part


def test_training_and_benchmarks_part_groups_alike() -> None:
    groups = [f"g{number:03}" for number in range(500)] + ["", "distractors", "日常", "a/b"]
    for group in groups:
        assert is_fitted_on(group) == (Item(Path("clip.mp4"), group).part is Part.FIT), group


def test_about_half_of_the_groups_are_fitted_on() -> None:
    assert 450 < sum(is_fitted_on(f"g{number}") for number in range(1000)) < 550
