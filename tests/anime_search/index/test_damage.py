"""Whatever happens to an index's files: what answers is one whole generation, or nothing."""

from __future__ import annotations

import json
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from anime_search.engine.index.manifest import ManifestError
from anime_search.engine.index.snapshot import Snapshot
from anime_search.engine.index.store import IndexStore
from tests.anime_search.index.made import DIM, added, built, files_of, finds, frames, loaded, store_at, unit

A, B, C, D = (frames(name, 12) for name in "abcd")
QUERIES = unit(np.random.default_rng(1).normal(size=(6, DIM)))

Answers = list[list[tuple[str, int, float]]]


def answers(snapshot: Snapshot) -> Answers:
    return [[(hit.video, hit.from_ms, hit.score) for hit in hits] for hits in snapshot.search(QUERIES, 40)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, Answers]]:
    """An index of four generations, the last of which hides a video, and what each of them answers."""
    store = store_at(tmp_path_factory.mktemp("whole") / "index")
    reference = {}
    for video in (A, B, C):
        manifest = added(store, video)
        reference[manifest.number] = answers(loaded(store))
    with store.writing():
        store.remove(["a"])
    reference[4] = answers(loaded(store))
    assert len({str(answer) for answer in reference.values()}) == 4
    return store.root, reference


@pytest.fixture
def copy(whole: tuple[Path, dict[int, Answers]], tmp_path: Path) -> IndexStore:
    shutil.copytree(whole[0], tmp_path / "index")
    return store_at(tmp_path / "index")


def assert_whole(store: IndexStore, reference: dict[int, Answers]) -> Snapshot | None:
    """What is served answers exactly as a generation did when it was published; if not the last, problems say so."""
    snapshot, problems = store.load_best()
    if snapshot is not None:
        assert answers(snapshot) == reference[snapshot.number]
    if snapshot is None or snapshot.number != 4:
        assert problems
        assert store.verify()
    return snapshot


NAMES = [
    "CURRENT",
    *(f"generations/{number:08d}.json" for number in (1, 2, 3, 4)),
    *(f"{video}/{name}" for video in "abc" for name in ("frames.hnsw", "times.safetensors", "segment.json")),
]


def path_of(root: Path, name: str) -> Path:
    """A file by a name that says which video's segment it belongs to."""
    folder, _, file = name.partition("/")
    if len(folder) > 1:
        return root / name
    for manifest in root.glob("segments/*/segment.json"):
        if json.loads(manifest.read_bytes())["videos"] == [folder]:
            return manifest.with_name(file)
    raise LookupError(name)


def test_every_file_is_looked_at(copy: IndexStore) -> None:
    assert sorted(path_of(copy.root, name) for name in NAMES) == files_of(copy.root)


#: The newest generation that does without a segment.
WITHOUT = {"a": None, "b": 1, "c": 2}


def expected_without(name: str) -> int | None:
    folder = name.partition("/")[0]
    if folder == "generations":
        return 3 if name.endswith("4.json") else 4
    return WITHOUT.get(folder, 4)


@pytest.mark.parametrize("name", NAMES)
def test_a_flipped_bit_never_answers(
    name: str, copy: IndexStore, whole: tuple[Path, dict[int, Answers]]
) -> None:
    path = path_of(copy.root, name)
    content = path.read_bytes()
    random = np.random.default_rng(len(content))
    places = range(len(content)) if len(content) < 60 else random.integers(0, len(content), 40).tolist()
    served = set()
    for place in places:
        broken = bytearray(content)
        broken[place] ^= 1 << int(random.integers(0, 8))
        path.write_bytes(broken)
        snapshot, problems = copy.load_best()
        if snapshot is not None:
            assert answers(snapshot) == whole[1][snapshot.number]
        number = snapshot.number if snapshot else None
        served.add(number)
        # A flipped CURRENT can name another whole generation, as an operator may.
        if name != "CURRENT" and number != 4:
            assert problems
    if name != "CURRENT":
        # White space of JSON may change without a change of what it says.
        assert served <= {expected_without(name), 4}
        assert expected_without(name) in served


def replaced_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replaced_by_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def replaced_by_dead_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/nowhere/at/all")


def truncated_to(share: float) -> Callable[[Path], None]:
    return lambda path: os.truncate(path, int(share * path.stat().st_size))


def lengthened(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\0" * 8)


HARM: dict[str, Callable[[Path], object]] = {
    "empty": truncated_to(0),
    "a tenth": truncated_to(0.1),
    "half": truncated_to(0.5),
    "nearly whole": truncated_to(0.99),
    "longer": lengthened,
    "missing": Path.unlink,
    "a folder": replaced_by_folder,
    "a loop of links": replaced_by_loop,
    "a dead link": replaced_by_dead_link,
    "text": lambda path: path.write_text("hello\n"),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
}


@pytest.mark.parametrize("harm", HARM)
@pytest.mark.parametrize("name", [name for name in NAMES if name != "CURRENT"])
def test_a_broken_file_takes_its_generations_out_of_use(
    name: str, harm: str, copy: IndexStore, whole: tuple[Path, dict[int, Answers]]
) -> None:
    HARM[harm](path_of(copy.root, name))
    snapshot = assert_whole(copy, whole[1])
    assert (snapshot.number if snapshot else None) == expected_without(name)


CURRENTS: dict[str, tuple[Callable[[Path], object], int | None]] = {
    "empty": (lambda path: path.write_text(""), 4),
    "a line feed": (lambda path: path.write_text("\n"), 4),
    "text": (lambda path: path.write_text("four"), 4),
    "other digits": (lambda path: path.write_text("٤\n"), 4),
    "negative": (lambda path: path.write_text("-4"), 4),
    "binary": (lambda path: path.write_bytes(bytes(range(128, 256))), 4),
    "huge": (lambda path: path.write_text("9" * 5000), 4),
    "very large": (lambda path: path.write_text("9" * 25), 4),
    "of no generation": (lambda path: path.write_text("99\n"), 4),
    "zero": (lambda path: path.write_text("0\n"), None),
    "a folder": (replaced_by_folder, 4),
    "a loop of links": (replaced_by_loop, 4),
    "two numbers": (lambda path: path.write_text("4\n3\n"), 4),
}


@pytest.mark.parametrize("case", CURRENTS)
def test_garbage_in_current_is_a_problem_and_no_end(
    case: str, copy: IndexStore, whole: tuple[Path, dict[int, Answers]]
) -> None:
    harm, expected = CURRENTS[case]
    harm(copy.root / "CURRENT")
    snapshot, problems = copy.load_best()
    assert problems
    assert (snapshot.number if snapshot else None) == expected
    assert copy.verify()
    if snapshot is not None:
        assert answers(snapshot) == whole[1][snapshot.number]


def test_an_operator_may_write_current_by_hand(copy: IndexStore) -> None:
    (copy.root / "CURRENT").write_text("  2 \n\n")
    assert loaded(copy).number == 2


def test_without_current_nothing_was_published(copy: IndexStore) -> None:
    """A writer that was killed before its first flip left a generation that nobody vouched for."""
    (copy.root / "CURRENT").unlink()
    assert copy.load_best() == (None, [])
    assert copy.usable() is None
    added(copy, D)
    assert loaded(copy).videos == {"d"}


@pytest.mark.parametrize("case", ["text", "huge", "of no generation"])
def test_going_back_repairs_current(case: str, copy: IndexStore) -> None:
    CURRENTS[case][0](copy.root / "CURRENT")
    with copy.writing():
        assert copy.rollback().number == 4
    assert loaded(copy).number == 4
    assert copy.verify() == []


def test_going_back_skips_broken_generations(copy: IndexStore) -> None:
    os.truncate(path_of(copy.root, "generations/00000003.json"), 10)
    os.truncate(path_of(copy.root, "b/frames.hnsw"), 10)
    with copy.writing():
        assert copy.rollback().number == 1
    assert loaded(copy).videos == {"a"}


# --- writing on a broken index


@pytest.mark.parametrize("harm", ["half", "missing", "a folder"])
def test_a_writer_continues_from_what_is_whole(harm: str, copy: IndexStore) -> None:
    HARM[harm](path_of(copy.root, "c/frames.hnsw"))
    manifest = added(copy, D)
    assert manifest.number == 5
    assert loaded(copy).videos == {"a", "b", "d"}
    assert all(finds(loaded(copy), [A, B, D]))


def test_a_writer_does_not_merge_what_is_damaged(copy: IndexStore) -> None:
    path = path_of(copy.root, "b/frames.hnsw")
    broken = bytearray(path.read_bytes())
    broken[len(broken) // 2] ^= 4
    path.write_bytes(broken)
    with copy.writing(), pytest.raises(ManifestError, match="altered"):
        copy.merge(threads=1)
    built(copy, A, B, C)
    assert loaded(copy).videos == {"a", "b", "c"}
    assert copy.verify() == []


def test_links_to_other_places_are_followed_and_never_emptied(copy: IndexStore, tmp_path: Path) -> None:
    """An operator may keep segments on another disk; what is collected there is the link."""
    segment = path_of(copy.root, "c/segment.json").parent
    shutil.move(segment, tmp_path / "disk")
    segment.symlink_to(tmp_path / "disk")
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("keep")
    (copy.root / "segments" / "stray").symlink_to(precious)
    assert loaded(copy).number == 4
    added(copy, D)
    assert all(finds(loaded(copy), [B, C, D]))
    assert (precious / "file").read_text() == "keep"


# --- files that are whole and wrong


def test_an_index_that_claims_more_than_it_holds_is_not_loaded(copy: IndexStore) -> None:
    """faiss would read beyond its memory: its header is the dimension at byte 4, the count at byte 8."""
    path = path_of(copy.root, "c/frames.hnsw")
    content = bytearray(path.read_bytes())
    assert struct.unpack_from("<iq", content, 4) == (DIM, 12)
    struct.pack_into("<q", content, 8, 3000)
    path.write_bytes(content)
    snapshot, problems = copy.load_best()
    assert snapshot is not None
    assert snapshot.number == 2
    assert "SHA-256" in problems[0]


def test_segments_cannot_take_each_other_s_place(copy: IndexStore) -> None:
    one, other = (path_of(copy.root, f"{video}/segment.json").parent for video in "bc")
    for name in ("frames.hnsw", "times.safetensors"):
        content = (one / name).read_bytes()
        (one / name).write_bytes((other / name).read_bytes())
        (other / name).write_bytes(content)
    snapshot, problems = copy.load_best()
    assert snapshot is not None
    assert snapshot.number == 1
    assert len(problems) == 3


def test_a_generation_under_another_number_is_refused(copy: IndexStore) -> None:
    root = copy.root / "generations"
    shutil.copyfile(root / "00000001.json", root / "00000004.json")
    snapshot, problems = copy.load_best()
    assert snapshot is not None
    assert snapshot.number == 3
    assert "calls itself 1" in problems[0]


@pytest.mark.parametrize(
    "content",
    [
        b"[]",
        b"null",
        b"{}",
        b'{"format": 1}',
        b"[" * 100_000,
        b'{"format": 2}',
        b'{"format": 99}',
        b"\xff\xfe",
        b'{"format": 2, "number": []}',
    ],
)
def test_any_json_is_read_without_a_crash(
    content: bytes, copy: IndexStore, whole: tuple[Path, dict[int, Answers]]
) -> None:
    for name in ("generations/00000004.json", "c/segment.json"):
        path_of(copy.root, name).write_bytes(content)
    snapshot = assert_whole(copy, whole[1])
    assert snapshot is not None
    assert snapshot.number == 2


def test_a_manifest_edited_by_hand_is_refused(copy: IndexStore) -> None:
    """A video that was removed must not come back by an edit, nor a field of another type be believed."""
    path = path_of(copy.root, "generations/00000004.json")
    raw = json.loads(path.read_bytes())
    believed = {"segment": 5, "sha256": "", "count": 1}
    changes: list[dict[str, object]] = [{"gone": []}, {"gone": "a"}, {"segments": [believed]}]
    for change in changes:
        path.write_text(json.dumps({**raw, **change}))
        snapshot, problems = copy.load_best()
        assert snapshot is not None
        assert snapshot.number == 3
        assert "altered" in problems[0]
    path.write_text(json.dumps(raw))
    assert loaded(copy).number == 4
