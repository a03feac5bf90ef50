"""Which files a walk finds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from anime_search.ingest.discovery import FoundFile, UnusablePath, find_files


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in (
        "b/2.mkv",
        "b/1.MP4",
        "a.webm",
        "c.txt",
        "d.mp4.part",
        ".hidden.mp4",
        ".git/x.mp4",
        "~tmp.avi",
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path


def names(*paths: Path) -> list[str]:
    return [found.path.name for found in find_files(paths) if isinstance(found, FoundFile)]


def refusals(*paths: Path) -> dict[str, str]:
    return {found.path: found.reason for found in find_files(paths) if isinstance(found, UnusablePath)}


def test_videos_are_found_in_a_stable_order(tree: Path) -> None:
    assert names(tree) == ["a.webm", "1.MP4", "2.mkv"]


def test_root_is_the_folder_that_was_given(tree: Path) -> None:
    assert {found.root for found in find_files([tree]) if isinstance(found, FoundFile)} == {tree}
    (file,) = find_files([tree / "a.webm"])
    assert isinstance(file, FoundFile)
    assert file.root == tree


@pytest.mark.parametrize("name", ["c.txt", ".hidden.mp4"])
def test_file_that_is_named_itself_is_taken_whatever_its_name(tree: Path, name: str) -> None:
    assert names(tree / name) == [name]


@pytest.mark.parametrize("extra", [".", "b", "b/2.mkv", "../{}/b", "a.webm"])
def test_overlapping_paths_give_each_file_once(tree: Path, extra: str) -> None:
    other = tree / extra.format(tree.name)
    assert sorted(names(tree, other)) == sorted(names(other, tree)) == ["1.MP4", "2.mkv", "a.webm"]


def test_relative_and_absolute_paths_are_the_same_file(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree / "b")
    assert list(find_files([Path("../b/2.mkv")])) == list(find_files([tree / "b" / "2.mkv"]))


def test_links_to_folders_end(tree: Path) -> None:
    (tree / "b" / "up").symlink_to(tree)
    assert len(names(tree)) == 3


def test_link_to_a_file_is_that_file(tree: Path) -> None:
    (tree / "link.mp4").symlink_to(tree / "a.webm")
    assert "link.mp4" in names(tree)


def test_folder_that_is_given_as_a_link_is_walked(tree: Path) -> None:
    (tree / "linked").symlink_to(tree / "b")
    assert names(tree / "linked") == ["1.MP4", "2.mkv"]


def test_dangling_link_is_told(tree: Path) -> None:
    (tree / "gone.mp4").symlink_to(tree / "nothing")
    assert refusals(tree) == {str(tree / "gone.mp4"): "No such file or directory"}


def test_pipe_is_no_file(tree: Path) -> None:
    os.mkfifo(tree / "pipe.mp4")
    assert refusals(tree) == {str(tree / "pipe.mp4"): "is no ordinary file"}


def test_folder_that_cannot_be_read_is_told_and_the_others_walked(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root reads what its owner forbids: the refusal is the system call's.
    scan = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("/b"):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert names(tree) == ["a.webm"]
    assert refusals(tree) == {str(tree / "b"): "Permission denied"}


def test_start_that_cannot_be_looked_at_is_told(tmp_path: Path) -> None:
    assert refusals(tmp_path / ("x" * 300)) == {str(tmp_path / ("x" * 300)): "File name too long"}


def test_name_that_is_not_utf8_is_spelled_out(tree: Path) -> None:
    odd = os.fsencode(tree) + b"/\xff.mp4"
    try:
        os.close(os.open(odd, os.O_CREAT))
    except OSError:
        pytest.skip("this file system has no such names")
    assert refusals(tree) == {f"{tree}/\\xff.mp4": "its name is not valid UTF-8"}
