"""Footage of one's own becomes clips that differ from those of a collection in nothing but what they show."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from deepfake.training import __main__ as command
from deepfake.training.camera import NARROWEST, SHORTEST_SIDE, WIDEST, Move, drawn_move, filmed
from deepfake.training.clips import TRAIN, read_clips
from deepfake.training.footage import Kind, Planned, add_footage, read_plan
from deepfake.training.journal import Journal
from deepfake.training.normalising import FootageError, from_photo, from_video
from tests.deepfake.engine.clips import Picture, scene, write_clip
from tests.deepfake.training.collection import write_collection

STILL = Move(
    aspect=4 / 3,
    shares=(0.8, 0.8),
    begin=(0.5, 0.5),
    end=(0.5, 0.5),
    tilt=0.0,
    tremor=0.0,
    exposure_s=0.01,
    noise=0.0,
    seed=1,
)


def planned(file: str, kind: Kind = Kind.VIDEO, source: str = "camera", page: str = "holiday") -> Planned:
    return Planned(file, kind, source, page, "own work")


def photo(width: int = 1200, height: int = 900, *, seed: int = 1) -> Picture:
    """A soft pattern without repetition."""
    random = np.random.default_rng(seed)
    coarse = random.integers(30, 226, (height // 30, width // 30, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def write_photo(path: Path, picture: Picture, *, orientation: int = 1) -> Path:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path, exif=exif, quality=92)
    return path


def write_plan(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(("file,kind,source,page,licence", *lines)) + "\n", encoding="utf-8")
    return path


def test_a_long_video_gives_pieces_of_the_collections_size_and_rate(tmp_path: Path) -> None:
    # 20 s, whose brightness tells the time.
    pictures = (next(iter(scene(1, level=60 + number, seed=3))) for number in range(160))
    path = write_clip(tmp_path / "long.mp4", pictures, options={"g": "8"})
    footage = from_video(path, pieces=3)
    assert [clip.shape for clip in footage.clips] == [(32, 256, 342, 3)] * 3
    assert (footage.width, footage.height, footage.fps, footage.codec) == (320, 240, 8.0, "h264")
    first, second, third = (float(clip.mean()) for clip in footage.clips)
    # Thirds of the video begin 53 pictures, and so many levels, apart.
    assert second - first == pytest.approx(53, abs=6)
    assert third - second == pytest.approx(53, abs=6)


def test_borders_are_cut_off(tmp_path: Path) -> None:
    def framed(picture: Picture) -> Picture:
        picture[:12], picture[-12:], picture[:, :16], picture[:, -16:] = (255, 0, 0), (255, 0, 0), 255, 255
        return picture

    path = write_clip(tmp_path / "a.mp4", (framed(picture) for picture in scene(16, level=80)))
    (clip,) = from_video(path, pieces=1).clips
    assert clip.max() < 200


def test_a_slow_video_is_not_sped_up(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "slow.mp4", scene(8, speed=16), fps=4)
    (clip,) = from_video(path, pieces=1).clips
    assert len(clip) == 15
    moved = [float(np.abs(one.astype(int) - other).mean()) for one, other in pairwise(clip)]
    assert moved[0::2] == [0.0] * 7
    assert min(moved[1::2]) > 1


@pytest.mark.parametrize(("count", "contrast"), [(5, 60), (16, 0)])
def test_a_video_that_is_too_short_or_shows_nothing_is_refused(
    tmp_path: Path, count: int, contrast: int
) -> None:
    path = write_clip(tmp_path / "a.mp4", scene(count, contrast=contrast))
    with pytest.raises(FootageError, match="shorter than a second, or shows nothing"):
        from_video(path, pieces=3)


def test_a_camera_that_does_not_move_sees_the_middle_of_the_photograph() -> None:
    picture = photo()
    clip = filmed(picture, STILL, frames=3, rate_hz=8, short_side=256)
    assert clip.shape == (3, 256, 342, 3)
    assert (clip[0] == clip[2]).all()
    seen = cv2.resize(picture[90:810, 120:1080], (342, 256), interpolation=cv2.INTER_AREA)
    assert np.abs(clip[0].astype(int) - seen).mean() < 1


def test_a_pan_is_smooth_and_below_pixels() -> None:
    move = replace(STILL, begin=(0.4, 0.5), end=(0.6, 0.5))
    clip = filmed(photo(), move, frames=32, rate_hz=8, short_side=256)
    grey = clip.mean(axis=-1)
    # By least squares over the gradient (Lucas and Kanade), which holds for moves below a pixel.
    slope = np.gradient(grey, axis=2)
    steps = np.array(
        [
            ((one - other) * mean).sum() / (mean**2).sum()
            for (one, other), mean in zip(pairwise(grey), (slope[:-1] + slope[1:]) / 2, strict=True)
        ]
    )
    # 240 of 1200 pixels are free, of which the move is 0.2 x 0.8; a frame's 342 pixels show 960. It starts and ends slowly.
    way = np.arange(32) / 32
    expected = -np.diff(way**2 * (3 - 2 * way)) * 240 * 0.2 * 0.8 * 342 / 960
    assert np.abs(steps).max() < 1
    assert steps == pytest.approx(expected, abs=0.03)


def test_a_zoom_ends_at_its_share() -> None:
    move = replace(STILL, shares=(0.86, 0.65))
    last = filmed(photo(), move, frames=32, rate_hz=8, short_side=256)[-1]
    seen = cv2.resize(photo()[157:743, 210:990], (342, 256), interpolation=cv2.INTER_AREA)
    assert np.abs(last.astype(int) - seen).mean() < 2


def test_noise_is_new_in_each_frame_and_grows_with_the_light() -> None:
    grey = np.full((900, 1200, 3), 40, np.uint8)
    grey[:, 600:] = 200
    clip = filmed(grey, replace(STILL, noise=2.0), frames=2, rate_hz=8, short_side=256).astype(float)
    dark, bright = clip[:, :, :150].std(), clip[:, :, 190:].std()
    assert dark == pytest.approx(2 * (0.2 + 0.8 * 40 / 128) ** 0.5, rel=0.1)
    assert bright == pytest.approx(2 * (0.2 + 0.8 * 200 / 128) ** 0.5, rel=0.1)
    assert (clip[0] != clip[1]).mean() > 0.5


def test_moves_hang_on_the_name_and_never_enlarge() -> None:
    assert drawn_move("a", 1200, 900) == drawn_move("a", 1200, 900)
    moves = [drawn_move(str(number), SHORTEST_SIDE, SHORTEST_SIDE) for number in range(300)]
    assert len({move.seed for move in moves}) == 300
    for move in moves:
        part = min(SHORTEST_SIDE, SHORTEST_SIDE / move.aspect, SHORTEST_SIDE * move.aspect)
        assert min(move.shares) * part >= 256
        assert min(move.shares) >= NARROWEST
        assert max(move.shares) <= WIDEST
    assert all(drawn_move(str(number), 900, 1200).aspect <= 1 for number in range(30))


def test_a_photograph_is_filmed_upright(tmp_path: Path) -> None:
    path = write_photo(tmp_path / "a.jpg", photo(), orientation=6)
    footage = from_photo(path, name="a")
    assert (footage.width, footage.height, footage.codec, footage.seconds) == (900, 1200, "jpeg", 0)
    (clip,) = footage.clips
    assert len(clip) == 32
    assert min(clip.shape[1:3]) == 256
    assert clip.shape[1] >= clip.shape[2]
    # Turned clockwise: what was at the left is at the top.
    turned = cv2.resize(np.rot90(photo(), -1), (clip.shape[2], clip.shape[1]), interpolation=cv2.INTER_AREA)
    other = cv2.resize(np.rot90(photo(), 1), (clip.shape[2], clip.shape[1]), interpolation=cv2.INTER_AREA)
    errors = [np.abs(clip.mean(axis=0) - each).mean() for each in (turned, other)]
    assert errors[0] < errors[1]


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (Image.new("RGB", (1200, SHORTEST_SIDE - 1)), "smaller than 704 pixels"),
        (Image.new("P", (900, 900)), "not a plain photograph"),
        (Image.new("RGBA", (900, 900)), "not a plain photograph"),
        (Image.new("L", (10_000, 8_901)), "larger than 89 megapixels"),
    ],
)
def test_what_no_camera_gives_is_refused(tmp_path: Path, picture: Image.Image, reason: str) -> None:
    picture.save(tmp_path / "a.png")
    with pytest.raises(FootageError, match=reason):
        from_photo(tmp_path / "a.png", name="a")


def test_a_phones_photograph_with_a_second_picture_is_taken(tmp_path: Path) -> None:
    main, depth = Image.fromarray(photo()), Image.fromarray(photo(300, 240))
    main.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[depth])
    assert from_photo(tmp_path / "a.jpg", name="a").codec == "jpeg"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a.mp4,film,camera,page,own", "line 2: kind"),
        ("a.mp4,video,My Camera,page,own", "line 2: a source is named"),
        ("a.mp4,video,camera,page,", "line 2: licence is empty"),
        ("a.mp4,video,camera", "line 2: page is empty"),
        ("../a.mp4,video,camera,page,own", "line 2: file is not a path inside"),
        ("/a.mp4,video,camera,page,own", "line 2: file is not a path inside"),
    ],
)
def test_a_plan_with_a_wrong_line_is_refused(tmp_path: Path, line: str, reason: str) -> None:
    with pytest.raises(FootageError, match=re.escape(reason)):
        read_plan(write_plan(tmp_path / "plan.csv", line))


def test_clips_are_added_beside_what_a_collection_has(tmp_path: Path) -> None:
    collection = write_collection(tmp_path / "collection")
    before = {clip.name: clip for clip in read_clips(collection)}
    write_clip(tmp_path / "media/v/a.mp4", scene(16))
    write_photo(tmp_path / "media/b.jpg", photo())
    (tmp_path / "media/c.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    plan = [
        planned("c.jpg", Kind.PHOTO, "phone", "album"),
        planned("v/a.mp4"),
        planned("b.jpg", Kind.PHOTO, "phone", "album"),
        planned("gone.mp4"),
    ]
    outcome = add_footage(plan, media=tmp_path / "media", collection=collection, pieces=3)
    assert outcome.clips == {"camera": 1, "phone": 1}
    assert set(outcome.refused) == {"c.jpg", "gone.mp4"}
    after = {clip.name: clip for clip in read_clips(collection)}
    assert {name: after[name] for name in before} == before
    video, still = (clip for name, clip in after.items() if name not in before)
    assert (video.source, video.family, video.repo, video.split) == ("camera", "real_web", "holiday", TRAIN)
    assert (still.source, still.family, still.fake, still.gif) == ("phone", "real_photo", False, False)
    for clip in (video, still):
        with av.open(str(clip.path)) as container:
            stream = container.streams.video[0]
            assert (stream.average_rate, stream.codec_context.name) == (8, "h264")
            assert min(stream.width, stream.height) == 256
        assert b"crf=23.0" in clip.path.read_bytes()
    again = add_footage(plan, media=tmp_path / "media", collection=collection, pieces=3)
    assert (again.clips, again.known) == ({}, 2)
    assert len(read_clips(collection)) == len(after)


def test_a_run_that_was_killed_goes_on(tmp_path: Path) -> None:
    for number in range(3):
        write_clip(tmp_path / f"media/{number}.mp4", scene(16, seed=number))
    plan = [planned(f"{number}.mp4") for number in range(3)]

    def kill(done: int, _all: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add_footage(plan, media=tmp_path / "media", collection=tmp_path / "out", pieces=1, on_done=kill)
    assert len(read_clips(tmp_path / "out")) == 2
    outcome = add_footage(plan, media=tmp_path / "media", collection=tmp_path / "out", pieces=1)
    assert (outcome.clips, outcome.known) == ({"camera": 1}, 2)
    assert not list((tmp_path / "out").rglob("*.part"))


@pytest.mark.parametrize(
    ("source", "page", "reason"),
    [
        ("web", "elsewhere", "a source that the collection judges by"),
        ("camera", "page/f", "a page that the collection judges by"),
        ("gen_a", "elsewhere", "a generator in the collection"),
    ],
)
def test_what_a_collection_judges_by_is_not_fitted_to(
    collection: Path, tmp_path: Path, source: str, page: str, reason: str
) -> None:
    manifest = (collection / "manifest.csv").read_bytes()
    write_clip(tmp_path / "a.mp4", scene(16))
    with pytest.raises(FootageError, match=reason):
        add_footage(
            [planned("a.mp4", source=source, page=page)], media=tmp_path, collection=collection, pieces=1
        )
    assert (collection / "manifest.csv").read_bytes() == manifest


def test_the_command_says_what_it_made_and_what_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_clip(tmp_path / "a.mp4", scene(16))
    plan = write_plan(
        tmp_path / "plan.csv", "a.mp4,video,camera,holiday,own work", "b.mp4,video,camera,holiday,own work"
    )
    out = tmp_path / "out"
    given = ["footage", "--plan", str(plan), "--media", str(tmp_path), "--out", str(out)]
    assert command.main(given) == 0
    said = capsys.readouterr()
    assert "camera: 1 clips" in said.out
    assert "b.mp4: cannot be read" in said.err
    (line,) = Journal(out / "journal.jsonl").read("footage")
    assert line["licences"] == {"camera": ["own work"]}
    with (out / "manifest.csv").open(newline="", encoding="utf-8") as lines:
        (row,) = csv.DictReader(lines)
    assert (row["path"], row["audio"], row["fps"]) == ("a.mp4", "0", "8.0")


def test_the_command_fails_where_nothing_can_be_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = write_plan(tmp_path / "plan.csv", "b.mp4,video,camera,holiday,own work")
    given = ["--plan", str(plan), "--media", str(tmp_path), "--out", str(tmp_path / "out")]
    assert command.main(["footage", *given]) == 1
    message = capsys.readouterr().err
    assert "nothing that the plan lists can be used" in message
    assert "Traceback" not in message
