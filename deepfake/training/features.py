"""Features of clips, computed once and kept: chunk by chunk, over several processes, and gone on with after a kill."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake.training.clips import TrainingClip
from deepfake.training.copies import RATE_HZ, SHORT_SIDE, sample_clip
from deepfake.training.encoding import CLIP_INPUT, PARTS, EncoderFile, FrameFeatures
from deepfake.training.faults import TrainingError
from deepfake.training.pooling import done_by_processes

#: Clips of one file.
CHUNK = 20
PLAN = "plan.json"


class FeaturesError(TrainingError):
    """Features that are kept are not those that are asked for, or are not all there."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some clips of one variant, and the file that their features belong in."""

    path: Path
    variant: str
    clips: tuple[TrainingClip, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Features of some variants of some clips, as float16.

    Attributes:
        clips: (n) clips, each as often as there are variants of it.
        variants: (n) names.
        parts: what is kept of a frame, of ``PARTS``.
        numbers: (n, T, len(parts) * width), part after part.
        counts: (n,) frames of each that are there; the rest are zeros.
    """

    clips: tuple[TrainingClip, ...]
    variants: tuple[str, ...]
    parts: tuple[str, ...]
    numbers: NDArray[np.float16]
    counts: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.clips)


class Crew:
    """What a process that computes features has loaded."""

    encoder: ClassVar[FrameFeatures]
    copies: ClassVar[Path]
    frames: ClassVar[int]

    @classmethod
    def begin(cls, encoder: Path, copies: Path, frames: int) -> None:
        cv2.setNumThreads(1)
        cls.encoder, cls.copies, cls.frames = FrameFeatures(EncoderFile.read(encoder)), copies, frames


def write_features(
    clips: Sequence[TrainingClip],
    variants: Sequence[str],
    *,
    encoder: Path,
    folder: Path,
    copies: Path,
    frames: int,
    workers: int,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> None:
    """Compute what ``folder`` does not hold yet.

    Args:
        copies: folder of altered copies, which are made where they are missing.
        workers: processes, of one thread each.
        progress: is told how many clips are done, and of how many.

    Raises:
        FeaturesError: the folder's features are of another encoder or of another number of frames.
        EncoderError: the encoder is none.
        ClipsError: a clip cannot be read.
    """
    file = EncoderFile.read(encoder)
    FrameFeatures(file)
    _agree(folder, file, frames)
    chunks = list(_chunks(clips, variants, folder))
    total = sum(len(chunk.clips) for chunk in chunks)
    left = [chunk for chunk in chunks if not _is_of(chunk)]
    done = total - sum(len(chunk.clips) for chunk in left)
    progress(done, total)
    made = done_by_processes(
        left, compute, begin=Crew.begin, given=(encoder, copies, frames), workers=workers
    )
    for count in made:
        done += count
        progress(done, total)


def compute(chunk: Chunk) -> int:
    """Write the features of a chunk, and say of how many clips; for a process that :class:`Crew` has begun."""
    width = len(PARTS) * Crew.encoder.width
    numbers = np.zeros((len(chunk.clips), Crew.frames, width), np.float16)
    counts = np.zeros(len(chunk.clips), np.intp)
    for number, clip in enumerate(chunk.clips):
        frames = sample_clip(clip, chunk.variant, Crew.copies, frames=Crew.frames).frames
        counts[number] = len(frames)
        numbers[number, : len(frames)] = Crew.encoder.of(frames)
    chunk.path.parent.mkdir(parents=True, exist_ok=True)
    partial = chunk.path.with_suffix(".part.npz")
    np.savez(
        partial,
        names=np.array([clip.name for clip in chunk.clips]),
        numbers=numbers,
        counts=counts,
    )
    partial.replace(chunk.path)
    return len(chunk.clips)


def load_features(
    clips: Sequence[TrainingClip], variants: Sequence[str], folder: Path, parts: Sequence[str] = PARTS
) -> Features:
    """Some parts of the features of every variant of every clip, variant by variant.

    Raises:
        FeaturesError: some were not computed.
    """
    found: list[tuple[NDArray[np.float16], NDArray[np.intp]]] = []
    rows: list[tuple[TrainingClip, str]] = []
    for chunk in _chunks(clips, variants, folder):
        if not _is_of(chunk):
            raise FeaturesError(f"{chunk.variant}: features of {chunk.clips[0].name} and others are missing")
        with np.load(chunk.path) as kept:
            found.append((_chosen(kept["numbers"], parts), kept["counts"]))
        rows += [(clip, chunk.variant) for clip in chunk.clips]
    if not found:
        raise FeaturesError("there are no clips to load features of")
    numbers, counts = (np.concatenate(each) for each in zip(*found, strict=True))
    return Features(
        tuple(clip for clip, _ in rows), tuple(name for _, name in rows), tuple(parts), numbers, counts
    )


def _chosen(numbers: NDArray[np.float16], parts: Sequence[str]) -> NDArray[np.float16]:
    """Some parts, in their order, of (n, T, len(PARTS) * width)."""
    by_part = numbers.reshape(*numbers.shape[:2], len(PARTS), -1)
    kept = by_part[:, :, [PARTS.index(part) for part in parts]]
    return kept.reshape(*numbers.shape[:2], -1)


def encoder_of(folder: Path) -> str:
    """SHA-256 of the encoder that a folder's features are of.

    Raises:
        FeaturesError: it holds none.
    """
    try:
        digest: str = json.loads((folder / PLAN).read_text(encoding="utf-8"))["encoder"]
    except (OSError, ValueError, KeyError) as error:
        raise FeaturesError(f"{folder} holds no features") from error
    return digest


def _chunks(clips: Sequence[TrainingClip], variants: Sequence[str], folder: Path) -> Iterator[Chunk]:
    """By split: features of one are there to be used without those of another."""
    by_split: dict[str, list[TrainingClip]] = {}
    for clip in clips:
        by_split.setdefault(clip.split, []).append(clip)
    for variant in variants:
        for split, members in by_split.items():
            for start in range(0, len(members), CHUNK):
                path = folder / variant / f"{split}-{start:05d}.npz"
                yield Chunk(path, variant, tuple(members[start : start + CHUNK]))


def _is_of(chunk: Chunk) -> bool:
    if not chunk.path.is_file():
        return False
    with np.load(chunk.path) as kept:
        return [str(name) for name in kept["names"]] == [clip.name for clip in chunk.clips]


def _agree(folder: Path, encoder: EncoderFile, frames: int) -> None:
    """Write down what a folder's features are of, or see that they are of this."""
    plan = {
        "encoder": encoder.sha256,
        "frames": frames,
        "short_side": SHORT_SIDE,
        "rate_hz": RATE_HZ,
        "input": json.loads(json.dumps(asdict(CLIP_INPUT))),
        "parts": list(PARTS),
    }
    path = folder / PLAN
    if path.is_file():
        if json.loads(path.read_text(encoding="utf-8")) != plan:
            raise FeaturesError(f"{folder} holds features of another encoder, or taken in another way")
        return
    if any(folder.glob("*/*.npz")):
        raise FeaturesError(f"{folder} holds features of which nothing says what they are of")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(plan, indent=1) + "\n", encoding="utf-8")
