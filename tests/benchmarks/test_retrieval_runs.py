"""The retrieval benchmark runs at a tiny size, counts what is right, and parts what it may not mix."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest

from anime_search.engine.bundle import CURRENT
from anime_search.engine.descriptor import DctDescriptor
from anime_search.engine.similarity import Calibration, VerifiedWeights
from benchmarks.clip_bootstrap import rate_by_clip
from benchmarks.queries import (
    CLASSES,
    SAME_STILL,
    Clip,
    Query,
    Role,
    is_wide,
    make_queries,
    read_clips,
    share_out,
)
from benchmarks.retrieval_report import EVERY, NOT_SAMPLED, OVERALL
from benchmarks.scene_index import build_index, calibration_of, plain, video_of
from benchmarks.trials import glance, show_one_drawing
from benchmarks.virtual_frames import Film, VirtualPictures, films_digest, virtual_film
from tests.benchmarks.test_benchmarks_run import drifting_blocks, run_benchmark

pytestmark = pytest.mark.timeout(600)

SOME_CALIBRATION = Calibration(
    slope=25.0,
    midpoint=0.8,
    confident=0.9,
    verified=VerifiedWeights(-12.0, 8.0, 0.7, 4.0, 4.0, 2.0, 0.5),
    confident_verified=0.9,
)


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of coloured blocks that drift slowly, each in a group of its own, and a calibration."""
    names = [f"group{number}" for number in range(4)]
    folder = drifting_blocks(tmp_path_factory.mktemp("collection"), frames=12, step=1, groups=names)
    report = {"figures": {"calibration": plain(SOME_CALIBRATION)}}
    (folder / "calibration.json").write_text(json.dumps(report))
    return folder


def some_clip(folder: Path) -> Clip:
    return read_clips(folder, [folder / "group0" / "clip.mp4"])[0]


@pytest.mark.slow
def test_retrieval_asks_of_indexed_and_foreign_videos_and_again_among_virtual_frames(
    collection: Path, tmp_path: Path
) -> None:
    command = ("--source", collection, "--split", "all", "--each", "1", "--classes", "clean", "mirrored")
    crowd = ("--virtual", "100", "--keep", tmp_path, "--calibration", collection / "calibration.json")
    figures = run_benchmark("retrieval", *command, *crowd)["figures"]

    assert figures["videos"] == {"indexed": 3, "negative": 1, "hard negative": 0}
    assert figures["classes"].keys() == {OVERALL, EVERY, NOT_SAMPLED, "clean", "mirrored"}
    assert figures["classes"][NOT_SAMPLED]["queries"] == 0
    assert figures["classes"][OVERALL]["queries"] == 6
    for label in ("clean", "mirrored"):
        of_class = figures["classes"][label]
        assert of_class["recall@1"] == of_class["recall@5"] == 1
        assert of_class["confident when right"] == 1
        assert of_class["colour layout, our views @1"] == 1
        assert of_class["negatives confident"] == 0
        assert of_class["hard negatives confident"] is None
    assert figures["called a match and wrong"]["negatives"]["of"] == 2
    times = figures["query_ms"]
    assert times["all queries"]["queries"] == 8
    assert times["that went to the second"]["queries"] >= 2
    stages = {"decode", "views", "describe", "index", "verify", "group", "in all"}
    assert stages < times["answered in the first stage"].keys()
    growth = figures["growth"]
    assert growth["frames"] == [figures["frames"], 100]
    assert growth["classes"]["clean"]["100"]["recall@1"] == 1


@pytest.mark.slow
def test_retrieval_finds_the_time_in_clips_that_were_joined(collection: Path, tmp_path: Path) -> None:
    # So quick that every frame is another drawing: none of those between two samples is in the index.
    names = [f"group{number}" for number in range(4)]
    quick = drifting_blocks(tmp_path, frames=12, step=3, groups=names)
    command = ("--source", quick, "--split", "all", "--each", "1", "--classes", "clean", "--long")
    calibration = ("--calibration", collection / "calibration.json")
    figures = run_benchmark("retrieval", *command, *calibration)["figures"]

    assert figures["long"]
    assert figures["classes"][OVERALL]["queries"] == 0
    assert figures["classes"][NOT_SAMPLED]["queries"] == figures["classes"][EVERY]["queries"] == 3
    assert figures["classes"][EVERY]["recall@1"] == 1
    assert figures["classes"][EVERY]["time error s"] < 0.25


def test_drawing_shown_between_two_samples_is_not_in_the_index(collection: Path, tmp_path: Path) -> None:
    clip = some_clip(collection)
    index = build_index([clip], [], tmp_path, DctDescriptor(), with_layouts=False)
    known, other = (
        glance(np.full((90, 160, 3), 255, np.uint8)),
        index.glances[video_of(clip)].pictures[0],
    )

    assert index.shows_drawing(Query("clean", b"", clip, Role.INDEXED, 40, other))
    assert not index.shows_drawing(Query("clean", b"", clip, Role.INDEXED, 40, known))
    # Of the same drawing, but too long after.
    assert not index.shows_drawing(Query("clean", b"", clip, Role.INDEXED, 9000, other))


def test_index_is_built_once_of_the_same_frames_and_holds_a_picture_of_each_run(
    collection: Path, tmp_path: Path
) -> None:
    clip = some_clip(collection)
    index = build_index([clip], [], tmp_path, DctDescriptor(), with_layouts=False)
    again = build_index([clip], [], tmp_path, DctDescriptor(), with_layouts=False)

    assert again.snapshot.number == index.snapshot.number
    assert len(list((tmp_path / "index").iterdir())) == 1
    (frames,) = index.frames
    for from_ms in frames.times_ms[0]:
        assert index.thumbnails(frames.video, int(from_ms)) is not None


@pytest.mark.parametrize(("shift", "same"), [(0, True), (7, True), (8, False), (-20, False)])
def test_drawings_are_told_apart_from_eight_levels_of_mean_difference(shift: int, same: bool) -> None:
    picture = np.full((36, 64, 3), 100, np.uint8)
    assert show_one_drawing(picture, (picture.astype(int) + shift).astype(np.uint8)[None]).tolist() == [same]


def test_wide_files_are_side_by_side_drawings(tmp_path: Path, collection: Path) -> None:
    assert not is_wide(collection / "group0" / "clip.mp4")
    with av.open(str(tmp_path / "wide.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = 256, 96, "yuv420p"
        for _number in range(3):
            blank = av.VideoFrame.from_ndarray(np.zeros((96, 256, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(blank))
        container.mux(stream.encode(None))
    assert is_wide(tmp_path / "wide.mp4")


def test_still_that_two_programs_animated_is_one_kin(tmp_path: Path) -> None:
    group, counted_to = next(iter(SAME_STILL.items()))
    rows = [f"{name}/a.mp4,{name},x/{name}.gif" for name in (group, counted_to, "g001")]
    (tmp_path / "manifest.csv").write_text("\n".join(["file,group,path", *rows]))
    files = [tmp_path / row.partition(",")[0] for row in rows]
    for file in files:
        file.parent.mkdir()
        file.touch()

    clips = read_clips(tmp_path, files)

    assert [clip.kin for clip in clips] == [counted_to, counted_to, "g001"]
    # The parts of the folder stay as they are, whatever is found out about it.
    assert [clip.item.group for clip in clips] == [group, counted_to, "g001"]


def test_rate_counts_whole_clips() -> None:
    rate = rate_by_clip([True, True, False, False, False, False], ["a", "a", "b", "b", "c", "c"])

    assert rate is not None
    assert (rate.count, rate.of, rate.clips, rate.from_clips) == (2, 6, 3, ("a",))
    assert rate.share == pytest.approx(1 / 3)
    # Drawn query by query the interval would end at 0.67.
    assert rate.low == 0
    assert rate.high == 1


def test_rate_of_none_is_not_certainly_zero() -> None:
    few, many = (rate_by_clip([False] * n, [str(number) for number in range(n)]) for n in (3, 60))

    assert few is not None and many is not None
    assert few.share == many.share == 0
    assert few.high == pytest.approx(1 - 0.05 ** (1 / 3))
    assert many.high < 0.05
    assert rate_by_clip([], []) is None


def test_virtual_pictures_are_those_that_were_described() -> None:
    random = np.random.default_rng(5)
    pictures = [random.integers(0, 256, (90, 160, 3)).astype(np.uint8) for _picture in range(3)]
    film = virtual_film(pictures, DctDescriptor())
    frames, places = film.frames(0, 30)
    stored = VirtualPictures(film, [Film(frames, places)])

    drawn = [stored(frames.video, int(from_ms)) for from_ms in frames.times_ms[0]]

    described = DctDescriptor().describe(np.stack([picture for picture in drawn if picture is not None]))
    cosines = (described * frames.vectors.astype(np.float32)).sum(axis=1)
    assert len(cosines) == 30
    assert cosines.min() > 0.98
    assert stored(frames.video, -5) is None
    assert stored("ff" * 32, 0) is None
    assert stored.drawing_s > 0


def test_virtual_films_depend_on_their_pictures_and_their_descriptor() -> None:
    black = np.zeros((9, 16, 3), np.uint8)
    digests = {
        films_digest([black], "dct96-1"),
        films_digest([black, black], "dct96-1"),
        films_digest([black + 1], "dct96-1"),
        films_digest([black], CURRENT),
    }
    assert len(digests) == 4


def test_retrieval_holds_shows_and_episodes_out_and_parts_no_near_duplicates(tmp_path: Path) -> None:
    scenes = [(show, scene, copy) for show in range(8) for scene in range(4) for copy in range(2)]
    rows = [f"g{show}{scene}/{copy}.mp4,g{show}{scene},show{show}/{copy}.gif" for show, scene, copy in scenes]
    (tmp_path / "manifest.csv").write_text("\n".join(["file,group,path", *rows]))
    files = [tmp_path / row.partition(",")[0] for row in rows]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.touch()

    roles = share_out(read_clips(tmp_path, files))

    shows = {role: {clip.show for clip, of in roles.items() if of is role} for role in Role}
    assert len(shows[Role.NEGATIVE]) == 2
    assert (
        shows[Role.HARD_NEGATIVE]
        == shows[Role.INDEXED]
        == {clip.show for clip in roles} - shows[Role.NEGATIVE]
    )
    assert len({(clip.kin, role) for clip, role in roles.items()}) == 8 * 4
    assert sum(role is Role.HARD_NEGATIVE for role in roles.values()) == 6 * 2


def test_retrieval_makes_the_same_queries_again_whatever_classes_are_asked(collection: Path) -> None:
    clip = some_clip(collection)

    first = list(make_queries(clip, Role.INDEXED, frozenset({0}), 1))
    second = list(make_queries(clip, Role.INDEXED, frozenset({0}), 1, ["two at once", "grey"]))

    assert [query.label for query in first] == list(CLASSES)
    chosen = [query for query in first if query.label in ("grey", "two at once")]
    assert [(query.label, query.jpeg) for query in second] == [(query.label, query.jpeg) for query in chosen]
    assert all(query.at_ms > 0 for query in first)
    # What was there before anything was done to it is the same in every class.
    assert len({query.glance.tobytes() for query in first}) == 1


def test_calibration_of_a_report_is_read_as_it_was_written(collection: Path) -> None:
    assert calibration_of("any", collection / "calibration.json") == SOME_CALIBRATION
    with pytest.raises(SystemExit, match="no calibration"):
        calibration_of("none of this name", None)
