"""Collections are read as they say they are, and refused with a word that helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepfake.training.clips import ClipsError, counts_of, digest_of, of_splits, read_clips
from tests.deepfake.training.collection import a_clip, write_collection, write_rows

ROW = {
    "file": "fake/a/1.mp4", "label": "fake", "generator": "a", "family": "t2v", "style": "styl",
    "split": "train", "repo": "page/a", "sha256": "0" * 64, "codec": "gif",
}  # fmt: skip


def test_a_manifest_says_what_each_clip_is(tmp_path: Path) -> None:
    (tmp_path / "fake/a").mkdir(parents=True)
    (tmp_path / "fake/a/1.mp4").write_bytes(b"")
    write_rows(tmp_path, [ROW])
    (clip,) = read_clips(tmp_path)
    assert (clip.source, clip.fake, clip.gif, clip.photoreal, clip.split) == ("a", True, True, False, "train")


def test_splits_are_kept_apart(collection: Path) -> None:
    every, val = read_clips(collection), read_clips(collection, ("val",))
    assert {clip.source for clip in val} == {"gen_c", "web"}
    assert of_splits(every, "val") == val
    assert counts_of(every)["train"] == {"gen_a": 2, "gen_b": 2, "lab": 2, "street": 2}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"label": "perhaps"}, "label"),
        ({"split": "test"}, "split"),
        ({}, "not there"),
    ],
)
def test_what_is_wrong_with_a_clip_is_said(tmp_path: Path, changes: dict[str, str], said: str) -> None:
    write_rows(tmp_path, [ROW | changes])
    with pytest.raises(ClipsError, match=said):
        read_clips(tmp_path)


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClipsError, match=r"manifest\.csv"):
        read_clips(tmp_path)


def test_a_manifest_that_lacks_a_column_is_refused(tmp_path: Path) -> None:
    write_rows(tmp_path, [{name: value for name, value in ROW.items() if name != "repo"}])
    with pytest.raises(ClipsError, match="repo"):
        read_clips(tmp_path)


def test_no_clips_of_a_split_is_an_error(tmp_path: Path) -> None:
    write_collection(tmp_path, each=1, frames=2)
    with pytest.raises(ClipsError, match="devtest"):
        read_clips(tmp_path, ("devtest",))


def test_the_digest_tells_collections_apart() -> None:
    one, two = a_clip(1), a_clip(2)
    assert digest_of([one, two]) == digest_of([two, one])
    assert digest_of([one]) != digest_of([two])
    assert digest_of([one]) != digest_of([a_clip(1, split="val")])


def test_robots_are_known_by_their_source() -> None:
    robots = ["droid_1234", "rt_x", "mobile_aloha"]
    assert all(a_clip(source=source, fake=False).robot for source in robots)
    assert not a_clip(source="panda70m_youtube", fake=False).robot
