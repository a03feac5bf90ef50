"""The frame track of a video: its descriptors with their times, as one file."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from anime_search.engine.cuts import CUTS_VERSION, CutFinder
from anime_search.engine.descriptor import Descriptor, is_flat
from anime_search.engine.video import Sample, VideoInfo, VideoLimits, VideoReader

#: Cosine above which the next frame adds nothing: it is the same drawing, encoded again.
SAME_FRAME = 0.995
#: A run is ended after this long even if the picture never changes.
LONGEST_RUN_MS = 10_000
#: Cosine between neighbouring samples below which a new shot begins.
SHOT_CUT = 0.6

#: Frames that are described at a time.
_BATCH = 64

#: What every track holds, and what those that were made before it was computed lack.
_TENSORS = {
    "descriptors": np.float16,
    "from_ms": np.int32,
    "at_ms": np.int32,
    "to_ms": np.int32,
    "shots_ms": np.int32,
}
_LATER_TENSORS = {"cuts_ms": np.int32}


class TrackError(Exception):
    """A track file is missing, damaged, or not what its name says."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameTrack:
    """What a video looks like over time: runs of like frames, each with one descriptor.

    Attributes:
        video: SHA-256 of the video file's bytes, in hex.
        descriptor: name of the descriptor that made the vectors.
        descriptors: (N, dim) float16, unit length to that precision.
        from_ms, at_ms, to_ms: (N,) int32; first, middle and last time of each run.
        shots_ms: (S,) int32; the times at which a shot begins, the first among them.
        cuts_ms: (C, 2) int32; when each transition between scenes begins and ends (:mod:`.cuts`); None in a
            track that was made before they were looked for, or by another version of the search for them.
        info: what the container says; ``duration_s`` is the decoded length where it says nothing, or less.
    """

    video: str
    descriptor: str
    descriptors: NDArray[np.float16]
    from_ms: NDArray[np.int32]
    at_ms: NDArray[np.int32]
    to_ms: NDArray[np.int32]
    shots_ms: NDArray[np.int32]
    info: VideoInfo
    cuts_ms: NDArray[np.int32] | None = None

    def __len__(self) -> int:
        return len(self.at_ms)


def make_track(
    path: Path,
    *,
    video: str,
    descriptor: Descriptor,
    rate_hz: float,
    limits: VideoLimits,
    threads: int = 1,
    on_progress: Callable[[float, float], None] = lambda done_s, total_s: None,
) -> FrameTrack:
    """Decode the file at ``path`` once and describe it.

    Args:
        video: SHA-256 of the file, in hex.
        rate_hz: frames a second that are looked at, at most.
        on_progress: called every few seconds of video with the seconds that are done and those of the whole.

    Raises:
        VideoError: the file is broken, or beyond the limits.
    """
    runs, cuts = _Runs(), CutFinder()
    with VideoReader(path, limits, threads=threads) as reader:
        for batch in _batches(reader.samples(rate_hz)):
            vectors = descriptor.describe(np.stack([sample.rgb for sample in batch]))
            flat = [is_flat(sample.rgb) for sample in batch]
            runs.extend(batch, vectors, flat)
            cuts.extend([(_ms(sample), sample.rgb) for sample in batch], vectors, flat)
            on_progress(reader.position_s, reader.info.duration_s)
        info = reader.measured()
        return replace(runs.finish(video, descriptor, info), cuts_ms=cuts.finish(1 / (info.fps or 25.0)))


def _ms(sample: Sample) -> int:
    return round(sample.time_s * 1000)


def _batches(samples: Iterator[Sample]) -> Iterator[list[Sample]]:
    batch: list[Sample] = []
    for sample in samples:
        batch.append(sample)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


class _Runs:
    """Merges neighbouring frames that look the same, and notes where shots begin."""

    def __init__(self) -> None:
        self._vectors: list[NDArray[np.float16]] = []
        self._times: list[list[int]] = []
        self._shots: list[int] = []
        self._open: NDArray[np.float32] | None = None
        self._previous: NDArray[np.float32] | None = None

    def extend(self, batch: list[Sample], vectors: NDArray[np.float32], flat: list[bool]) -> None:
        for sample, vector, empty in zip(batch, vectors, flat, strict=True):
            time_ms = _ms(sample)
            if self._previous is None or float(vector @ self._previous) < SHOT_CUT:
                self._shots.append(time_ms)
                self._open = None
            self._previous = vector
            if empty:
                self._open = None
            elif (
                self._open is not None
                and time_ms - self._times[-1][0] < LONGEST_RUN_MS
                and float(vector @ self._open) >= SAME_FRAME
            ):
                self._times[-1][1] = time_ms
            else:
                self._open = vector
                self._vectors.append(vector.astype(np.float16))
                self._times.append([time_ms, time_ms])

    def finish(self, video: str, descriptor: Descriptor, info: VideoInfo) -> FrameTrack:
        times = np.array(self._times, np.int32).reshape(-1, 2)
        vectors = np.stack(self._vectors) if self._vectors else np.empty((0, descriptor.dim), np.float16)
        return FrameTrack(
            video=video,
            descriptor=descriptor.name,
            descriptors=vectors,
            from_ms=times[:, 0].copy(),
            at_ms=times.mean(axis=1).astype(np.int32),
            to_ms=times[:, 1].copy(),
            shots_ms=np.array(self._shots, np.int32),
            info=info,
        )


def track_path(root: Path, descriptor: str, video: str) -> Path:
    """Where the track of a video lies below ``root``, one folder a descriptor."""
    return root / descriptor / video[:2] / f"{video}.safetensors"


def save_track(track: FrameTrack, path: Path) -> str:
    """Write a track so that it appears whole or not at all, and return the file's SHA-256 in hex."""
    kinds = _TENSORS if track.cuts_ms is None else _TENSORS | _LATER_TENSORS
    tensors = {name: np.ascontiguousarray(getattr(track, name), kind) for name, kind in kinds.items()}
    properties = {"video": track.video, "descriptor": track.descriptor, **_written(track.info)}
    if track.cuts_ms is not None:
        properties["cuts"] = CUTS_VERSION
    content = save(tensors, metadata={**properties, "digest": _digest(properties, tensors)})
    write_whole(path, content)
    return hashlib.sha256(content).hexdigest()


def load_track(path: Path) -> FrameTrack:
    """Read a track, and check that it is the one that was written.

    Raises:
        TrackError: the file is missing, damaged, or holds something else than its name says.
    """
    try:
        with safe_open(str(path), framework="np") as file:
            properties = file.metadata() or {}
            names = set(file.keys())
            if not _TENSORS.keys() <= names <= (_TENSORS | _LATER_TENSORS).keys():
                raise TrackError(f"{path.name}: not a frame track")
            tensors = {name: file.get_tensor(name) for name in names}
        if properties.pop("digest", None) != _digest(properties, tensors):
            raise TrackError(f"{path.name}: damaged, its digest is another")
        if properties.get("cuts") != CUTS_VERSION:
            tensors.pop("cuts_ms", None)
        track = FrameTrack(
            video=properties["video"], descriptor=properties["descriptor"], info=_read(properties), **tensors
        )
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        raise TrackError(f"{path.name}: {error}") from error
    if track.video != path.stem:
        raise TrackError(f"{path.name}: the track of another video, {track.video}")
    return track


def load_cuts(path: Path) -> NDArray[np.int32] | None:
    """The transitions of a track alone, without reading the rest of it or checking its digest.

    None if it has none of this version, or cannot be read: a scene is then cut at a fixed distance.
    """
    try:
        with safe_open(str(path), framework="np") as file:
            if (file.metadata() or {}).get("cuts") != CUTS_VERSION:
                return None
            cuts = np.asarray(file.get_tensor("cuts_ms"), np.int32)
    except (OSError, SafetensorError, ValueError):
        return None
    return cuts if cuts.ndim == 2 and cuts.shape[1] == 2 else None


def _digest(properties: dict[str, str], tensors: dict[str, NDArray[np.generic]]) -> str:
    """SHA-256 of all that a track holds: safetensors itself would not notice a flipped bit."""
    digest = hashlib.sha256(json.dumps(properties, sort_keys=True).encode())
    for name in sorted(tensors):
        digest.update(f"{name} {tensors[name].dtype} {tensors[name].shape}".encode())
        digest.update(tensors[name].tobytes())
    return digest.hexdigest()


def _written(info: VideoInfo) -> dict[str, str]:
    return {
        "width": str(info.width),
        "height": str(info.height),
        "fps": repr(info.fps),
        "duration_s": repr(info.duration_s),
        "codec": info.codec,
        "container": info.container,
    }


def _read(properties: dict[str, str]) -> VideoInfo:
    return VideoInfo(
        width=int(properties["width"]),
        height=int(properties["height"]),
        fps=float(properties["fps"]),
        duration_s=float(properties["duration_s"]),
        codec=properties["codec"],
        container=properties["container"],
    )


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, and rename it into place once it is on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync(path.parent)


def sync(path: Path) -> None:
    """Put a file, or the names in a folder, on the disk: what was only renamed may be lost with the power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
