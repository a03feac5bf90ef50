"""Clips with a role in a retrieval test, and the queries made of their frames."""

from __future__ import annotations

import csv
import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import cv2
import numpy as np

from anime_search.engine.descriptor import at_frame_size, is_flat
from benchmarks import distortions, screens
from benchmarks.clips import Picture, frames_of
from benchmarks.collection import Item, read_collection
from benchmarks.distortions import Distortion
from benchmarks.trials import glance
from video.reader import VideoLimits, VideoReader

#: The longest side of a frame before it is distorted.
FRAME_SIDE = 854
#: Queries reach the search as JPEG of this quality, whatever was done to them before.
SENT_QUALITY = 95
#: Of the shows, and of each indexed show's clips: the share that is not indexed.
HELD_OUT = 0.25
#: Files that are wider, in heights, hold several drawings side by side to be compared, and no frame of a film.
WIDEST = 2.6
#: Groups of the folder of animated pictures that hold one still which two programs have animated, by the group
#: that they are counted to: its manifest lists them apart, and no picture tells them apart. Found by looking at
#: what was confidently wrong on the parts train and val.
SAME_STILL = {"g336": "g335", "g457": "g456"}
_SEED = 20261122

#: Classes of distortion in the order in which they happen to a frame, those that do the same to it together.
_FAMILIES: tuple[dict[str, Distortion], ...] = (
    {"subtitles": distortions.subtitle},
    {
        "crop 10 %": distortions.crop_10,
        "crop 20 %": distortions.crop_20,
        "crop 30 %": distortions.crop_30,
        "cut to 4:3": distortions.cut_to_4_3,
    },
    {"squeezed to 4:3": distortions.squeezed_4_3},
    {"mirrored": distortions.mirror},
    {
        "brightness, gamma": distortions.brightness,
        "saturation": distortions.saturation,
        "tint": distortions.tint,
        "grey": distortions.grey,
    },
    {"rotated": distortions.rotation},
    {"letterbox": distortions.letterbox, "pillarbox": distortions.pillarbox},
    {"player and logo": screens.player},
    {"photo of a screen": screens.screen_photo, "phone screenshot": screens.phone_screenshot},
    {"320 wide": distortions.small_320, "160 wide": distortions.small},
    {
        "JPEG 90": distortions.jpeg_at(90),
        "JPEG 60": distortions.jpeg_at(60),
        "JPEG 30": distortions.jpeg_at(30),
    },
)


def two_at_once(rgb: Picture, random: np.random.Generator) -> Picture:
    """One class out of each of two families, in the order in which they happen."""
    for family in sorted(int(number) for number in random.choice(len(_FAMILIES), 2, replace=False)):
        members = list(_FAMILIES[family].values())
        rgb = members[int(random.integers(len(members)))](rgb, random)
    return rgb


#: All classes of queries, by the name that the report shows.
CLASSES: dict[str, Distortion] = {
    "clean": distortions.clean,
    **{name: distort for family in _FAMILIES for name, distort in family.items()},
    "two at once": two_at_once,
}


class Role(StrEnum):
    """What a clip is for: in the index; of no indexed show; of an indexed show, and not in the index."""

    INDEXED = "indexed"
    NEGATIVE = "negative"
    HARD_NEGATIVE = "hard negative"


@dataclass(frozen=True, slots=True)
class Clip:
    """A video of the folder.

    Attributes:
        item: the file, and the group by which folders are parted.
        kin: clips of one name show the same, and answer for each other.
        show: clips of one name are drawn alike.
        parts: clips that were joined in it.
    """

    item: Item
    kin: str
    show: str
    parts: int = 1

    @property
    def path(self) -> Path:
        return self.item.path

    @property
    def name(self) -> str:
        """What stands for the file where random numbers depend on it."""
        return f"{self.item.group}/{self.path.name}"


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """A frame that is not on the index's time grid, in one state of repair.

    Attributes:
        glance: (36, 64, 3) uint8, the frame before anything was done to it (:func:`.trials.glance`).
    """

    label: str
    jpeg: bytes
    clip: Clip
    role: Role
    at_ms: int
    glance: Picture


def is_wide(path: Path) -> bool:
    """Whether a video is indexed only and never asked for, see :data:`WIDEST`.

    Raises:
        VideoError: it cannot be read.
    """
    with VideoReader(path, VideoLimits()) as reader:
        return reader.info.width > WIDEST * reader.info.height


def read_clips(folder: Path, videos: Iterable[Path]) -> list[Clip]:
    """The videos of a folder with their groups.

    With a ``manifest.csv``, its ``group`` holds near-duplicates (and :data:`SAME_STILL` joins two such groups), and
    a show is the folder that its ``path`` names.
    Without one, a show is a folder, which is also the group, and no two files show the same.
    """
    shows: dict[str, str] = {}
    if (manifest := folder / "manifest.csv").is_file():
        with manifest.open(newline="") as lines:
            for row in csv.DictReader(lines):
                shows[row["group"]] = f"{row.get('repo', '')}/{row.get('path', '').rpartition('/')[0]}"
    items = {item.path: item for item in read_collection(folder)}
    clips = []
    for path in videos:
        item = items.get(path, Item(path, path.stem if path.parent == folder else path.parent.name))
        known = item.group in shows
        kin = SAME_STILL.get(item.group, item.group) if known else path.relative_to(folder).as_posix()
        clips.append(Clip(item, kin, shows[item.group] if known else item.group))
    return clips


def read_distractors(folder: Path, clips: Iterable[Clip]) -> list[Clip]:
    """The stills of a folder's groups without videos: indexed beside the clips, and never asked for."""
    with_videos = {clip.item.group for clip in clips}
    items = [item for item in read_collection(folder) if item.is_still and item.group not in with_videos]
    return [Clip(item, item.group, item.group) for item in items]


def share_out(clips: Iterable[Clip]) -> dict[Clip, Role]:
    """Give each clip its role, by the hashes of names: again the same for the same clips.

    A quarter of the shows is not indexed, nor is a quarter of what an indexed show holds, and at least one of
    each where there are two.
    """
    shows: dict[str, dict[str, list[Clip]]] = defaultdict(lambda: defaultdict(list))
    for clip in clips:
        shows[clip.show][clip.kin].append(clip)
    roles: dict[Clip, Role] = {}
    for show in _held_out(shows):
        roles |= {clip: Role.NEGATIVE for of_kin in shows.pop(show).values() for clip in of_kin}
    for kins in shows.values():
        hard = _held_out(kins)
        for kin, of_kin in kins.items():
            roles |= dict.fromkeys(of_kin, Role.HARD_NEGATIVE if kin in hard else Role.INDEXED)
    return roles


def by_hash(name: str) -> bytes:
    """Sorts names in an order that has nothing to do with them."""
    return hashlib.sha256(name.encode()).digest()


def _held_out(names: Iterable[str]) -> list[str]:
    ordered = sorted(names, key=by_hash)
    return ordered[: max(int(len(ordered) * HELD_OUT), len(ordered) > 1)]


def make_queries(
    clip: Clip, role: Role, sampled: frozenset[int], each: int, classes: Collection[str] = tuple(CLASSES)
) -> Iterator[Query]:
    """Queries of every class, or of those named, out of up to ``each`` frames of a clip (or of each that was joined in it).

    The frames lie evenly among those that are not sampled.
    What is done to a frame depends on the clip's name, the time and the class alone, whatever else is asked.
    """
    each *= clip.parts
    times = [round(1000 * time_s) for time_s, _rgb in frames_of(clip.path, side=16)]
    between = [time_ms for time_ms in times if time_ms not in sampled]
    chosen = np.linspace(0, len(between) - 1, min(each + 2, len(between))).round().astype(int)
    if len(chosen) > each:
        # Neither the first nor the last frame: those are the likeliest to be a fade's.
        chosen = chosen[1:][:each]
    wanted = {between[position] for position in chosen}
    for time_s, rgb in frames_of(clip.path, side=FRAME_SIDE):
        at_ms = round(1000 * time_s)
        if at_ms not in wanted or is_flat(at_frame_size(rgb)):
            continue
        for label, distort in CLASSES.items():
            if label not in classes:
                continue
            seed = by_hash(f"{_SEED} {clip.name} {at_ms} {label}")
            random = np.random.default_rng(int.from_bytes(seed[:8]))
            yield Query(label, _sent(distort(rgb, random)), clip, role, at_ms, glance(rgb))


def _sent(rgb: Picture) -> bytes:
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, SENT_QUALITY])[1].tobytes()
