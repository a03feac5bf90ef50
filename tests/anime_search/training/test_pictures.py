"""Which pictures are fitted on, and what is known of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from anime_search.training.pictures import (
    MOST_FRAMES,
    NO_SHOW,
    UNSTATED,
    PicturesError,
    Source,
    distinct_frames,
    read_pictures,
)
from tests.anime_search.training.pictures import (
    blocks,
    group_names,
    write_clip,
    write_manifest,
    write_still,
)


def grey(level: int) -> np.ndarray:
    return np.full((216, 384, 3), level, np.uint8)


def test_groups_that_are_measured_on_are_never_read(tmp_path: Path) -> None:
    (own,), (measured,) = group_names(1, fitted_on=True), group_names(1, fitted_on=False)
    write_clip(tmp_path / own / "a.mp4", [1])
    write_clip(tmp_path / measured / "b.mp4", [2, 3, 4])
    write_still(tmp_path / measured / "c.png", 5)
    pictures = read_pictures(tmp_path)
    assert pictures.pixels.shape == (1, 216, 384, 3)
    write_clip(tmp_path / measured / "b.mp4", [7])
    assert read_pictures(tmp_path).digest() == pictures.digest()


def test_the_manifest_says_the_group_whatever_the_folder_is(tmp_path: Path) -> None:
    (own,), (measured,) = group_names(1, fitted_on=True), group_names(1, fitted_on=False)
    write_still(tmp_path / own / "a.png", 1)
    write_still(tmp_path / own / "b.png", 2)
    write_manifest(tmp_path, [{"file": f"{own}/a.png", "group": measured}])
    pictures = read_pictures(tmp_path)
    assert len(pictures) == 1
    assert np.abs(pictures.pixels[0, 8, 8].astype(int) - blocks(2)[3, 3]).max() <= 2


def test_held_frames_of_a_clip_are_read_once(tmp_path: Path) -> None:
    (own,) = group_names(1, fitted_on=True)
    write_clip(tmp_path / own / "a.mp4", [1, 2, 3, 2])
    pictures = read_pictures(tmp_path)
    assert len(pictures) == 4
    assert len(set(pictures.kin.tolist())) == 1


def test_frames_count_as_distinct_from_the_last_one_taken() -> None:
    frames = [grey(level) for level in (0, 11, 12, 20, 24, 0)]
    assert [int(frame[0, 0, 0]) for frame in distinct_frames(frames)] == [0, 12, 24, 0]


def test_no_clip_gives_more_than_its_share() -> None:
    frames = [grey(200 * (number % 2)) for number in range(40)]
    assert len(list(distinct_frames(frames))) == MOST_FRAMES


def test_near_duplicates_are_kin_and_a_folder_of_the_source_is_a_show(tmp_path: Path) -> None:
    one, two, three = group_names(3, fitted_on=True)
    rows = []
    for group, name, path, seed in (
        (one, "a.mp4", "nichijou/1.gif", 1),
        (one, "b.mp4", "nichijou/2.gif", 1),
        (two, "c.mp4", "nichijou/3.gif", 2),
        (three, "d.mp4", "other/4.gif", 3),
    ):
        write_clip(tmp_path / group / name, [seed])
        rows.append({"file": f"{group}/{name}", "group": group, "repo": "some/repo", "path": path})
    write_manifest(tmp_path, rows)
    pictures = read_pictures(tmp_path)
    assert pictures.kin[0] == pictures.kin[1] != pictures.kin[2]
    assert pictures.shows[0] == pictures.shows[1] == pictures.shows[2] != pictures.shows[3]


def test_sources_are_counted_with_their_terms(tmp_path: Path) -> None:
    one, two = group_names(2, fitted_on=True)
    write_still(tmp_path / one / "a.png", 1)
    write_clip(tmp_path / two / "b.mp4", [2, 3])
    write_manifest(
        tmp_path,
        [
            {"file": f"{one}/a.png", "group": one, "repo": "open/film", "licence": "CC BY 4.0"},
            {"file": f"{two}/b.mp4", "group": two, "repo": "some/gifs"},
        ],
    )
    assert read_pictures(tmp_path).sources == (
        Source("open/film", "CC BY 4.0", 1),
        Source("some/gifs", UNSTATED, 2),
    )


@pytest.fixture
def two_folders(tmp_path: Path) -> tuple[Path, Path]:
    drawn, general = tmp_path / "drawn", tmp_path / "general"
    (own,), (measured,) = group_names(1, fitted_on=True), group_names(1, fitted_on=False)
    write_still(drawn / own / "a.png", 1)
    write_clip(drawn / measured / "b.mp4", [2])
    write_manifest(drawn, [{"file": f"{measured}/b.mp4", "group": measured, "sha256": "b" * 64}])
    write_clip(general / "real" / "moves.mp4", [3, 4, 5])
    write_clip(general / "real" / "stands.mp4", [6])
    write_clip(general / "real" / "held-back.mp4", [7])
    write_clip(general / "fake" / "same-as-b.mp4", [2])
    rows = (("real/moves", "train", "1"), ("real/stands", "train", "2"), ("real/held-back", "val", "3"))
    write_manifest(
        general,
        [
            *({"file": f"{name}.mp4", "split": split, "sha256": digit * 64} for name, split, digit in rows),
            {"file": "fake/same-as-b.mp4", "split": "train", "sha256": "b" * 64},
        ],
    )
    return drawn, general


def test_general_clips_give_their_ends_or_their_middle(two_folders: tuple[Path, Path]) -> None:
    pictures = read_pictures(*two_folders)
    general = pictures.shows == NO_SHOW
    assert general.tolist() == [False, True, True, True]
    assert pictures.kin[1] == pictures.kin[2] != pictures.kin[3]
    for picture, seed in zip(pictures.pixels[1:], (3, 5, 6), strict=True):
        # Middles of the blocks: their edges are the codec's.
        apart = np.abs(picture[18::36, 19::38][:, :10].astype(int) - blocks(seed)[8::16, 8::16])
        assert apart.mean() < 10


def test_a_general_clip_that_is_measured_on_elsewhere_is_left_out(two_folders: tuple[Path, Path]) -> None:
    drawn, general = two_folders
    before = read_pictures(drawn, general).digest()
    (general / "fake" / "same-as-b.mp4").unlink()
    assert read_pictures(drawn, general).digest() == before


def test_the_digest_knows_every_pixel_and_every_kin(tmp_path: Path) -> None:
    (own,) = group_names(1, fitted_on=True)
    write_still(tmp_path / own / "a.png", 1)
    pictures = read_pictures(tmp_path)
    before = pictures.digest()
    pictures.pixels[0, 100, 100, 1] ^= 1
    assert pictures.digest() != before
    pictures.pixels[0, 100, 100, 1] ^= 1
    pictures.kin[0] += 1
    assert pictures.digest() != before


@pytest.mark.parametrize("name", ["a.png", "a.mp4"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    (own,) = group_names(1, fitted_on=True)
    (tmp_path / own).mkdir()
    (tmp_path / own / name).write_bytes(b"neither picture nor film")
    with pytest.raises(PicturesError, match=name):
        read_pictures(tmp_path)


def test_a_folder_with_nothing_to_fit_on_is_refused(tmp_path: Path) -> None:
    (measured,) = group_names(1, fitted_on=False)
    write_still(tmp_path / measured / "a.png", 1)
    with pytest.raises(PicturesError, match="nothing to fit on"):
        read_pictures(tmp_path)
