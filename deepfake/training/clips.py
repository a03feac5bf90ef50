"""The labelled clips that detectors are fitted to and measured on, and which of them may be used for what."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from deepfake.training.faults import TrainingError

#: Splits of a collection: to fit to; to choose, stop and calibrate by; to measure on once, when all is decided.
TRAIN, VAL, DEVTEST = "train", "val", "devtest"
SPLITS = (TRAIN, VAL, DEVTEST)
_COLUMNS = ("file", "label", "generator", "family", "style", "split", "repo", "sha256", "codec")
_LABELS = {"fake": True, "real": False}
_ROBOTS = ("rt_x", "mobile_aloha")


class ClipsError(TrainingError):
    """A collection cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class TrainingClip:
    """One clip of a collection.

    Attributes:
        name: its path inside the collection.
        source: the generator, or the place that a real clip comes from.
        family: kind of source: ``t2v``, ``edit``, ``talk``, ``real_web``, ...
        photoreal: not in a drawn or painted style.
        repo: the page that it was published on; clips of one page are alike.
        gif: whether it was a GIF before it was normalised.
    """

    name: str
    path: Path
    fake: bool
    source: str
    family: str
    photoreal: bool
    split: str
    repo: str
    gif: bool
    sha256: str

    @property
    def robot(self) -> bool:
        """Whether it shows a robot's workplace: no generated clip does, so that it is told apart by what it shows."""
        return self.source.startswith("droid_") or self.source in _ROBOTS


def read_clips(folder: Path, splits: Iterable[str] = ()) -> list[TrainingClip]:
    """Read the ``manifest.csv`` of a collection, in the order in which it stands there.

    Args:
        splits: which are wanted; all if there are none.

    Raises:
        ClipsError: the manifest is missing or lacks something, a clip it names is not there, or none is left.
    """
    wanted = set(splits)
    try:
        with (folder / "manifest.csv").open(newline="", encoding="utf-8") as lines:
            reader = csv.DictReader(lines)
            if missing := [name for name in _COLUMNS if name not in (reader.fieldnames or ())]:
                raise ClipsError(f"manifest.csv has no column {missing[0]}")
            clips = [_clip(folder, row) for row in reader if not wanted or row["split"] in wanted]
    except OSError as error:
        raise ClipsError(f"{folder} has no manifest.csv that can be read") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ClipsError(f"{folder / 'manifest.csv'} is not CSV") from error
    if not clips:
        raise ClipsError("there are no clips" + (f" of {', '.join(sorted(wanted))}" if wanted else ""))
    if absent := [clip.name for clip in clips if not clip.path.is_file()]:
        raise ClipsError(f"{len(absent)} of {len(clips)} clips are not there, {absent[0]} for one")
    return clips


def _clip(folder: Path, row: dict[str, str]) -> TrainingClip:
    if row["label"] not in _LABELS or row["split"] not in SPLITS:
        raise ClipsError(f"{row['file']}: its label or its split is none that is known")
    return TrainingClip(
        name=row["file"],
        path=folder / row["file"],
        fake=_LABELS[row["label"]],
        source=row["generator"],
        family=row["family"],
        photoreal=row["style"] == "photo",
        split=row["split"],
        repo=row["repo"],
        gif=row["codec"] == "gif",
        sha256=row["sha256"],
    )


def of_splits(clips: Sequence[TrainingClip], *splits: str) -> list[TrainingClip]:
    """The clips of some splits."""
    return [clip for clip in clips if clip.split in splits]


def digest_of(clips: Iterable[TrainingClip]) -> str:
    """SHA-256 (hexadecimal) of which clips these are, in which split and with which label, in any order."""
    lines = sorted(f"{clip.name} {clip.sha256} {clip.split} {clip.fake}" for clip in clips)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def counts_of(clips: Iterable[TrainingClip]) -> dict[str, dict[str, int]]:
    """Clips by split and source, for journals and manifests."""
    counts: dict[str, dict[str, int]] = {}
    for clip in sorted(clips, key=lambda each: (SPLITS.index(each.split), each.fake, each.source)):
        of_split = counts.setdefault(clip.split, {})
        of_split[clip.source] = of_split.get(clip.source, 0) + 1
    return counts
