"""The frame track of a video: its descriptors with their times, as one file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from anime_search.engine.cuts import CUTS_VERSION, CutFinder
from anime_search.engine.descriptor import DctDescriptor, Descriptor, is_flat
from anime_search.engine.runs import RunCutter, Runs
from anime_search.engine.whole_file import write_whole
from video.reader import Sample, VideoInfo, VideoLimits, VideoReader

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


Picture = NDArray[np.uint8]


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
    on_run: Callable[[int, Picture], None] = lambda from_ms, rgb: None,
) -> FrameTrack:
    """Decode the file at ``path`` once and describe it.

    Runs, shots and scenes are found on the cheap :class:`DctDescriptor` of every frame that is looked at;
    ``descriptor`` describes the first frame of each run only.

    Args:
        video: SHA-256 of the file, in hex.
        rate_hz: frames a second that are looked at, at most.
        on_progress: called every few seconds of video with the seconds that are done and those of the whole.
        on_run: called with the time at which a run begins and its first frame, (144, 256, 3) RGB, in their order.

    Raises:
        VideoError: the file is broken, or beyond the limits.
    """
    dct = DctDescriptor()
    cutter, cuts, described = RunCutter(), CutFinder(), _Described(descriptor)
    with VideoReader(path, limits, threads=threads) as reader:
        for batch in _batches(reader.samples(rate_hz)):
            times_ms = [round(sample.time_s * 1000) for sample in batch]
            vectors = dct.describe(np.stack([sample.rgb for sample in batch]))
            flat = [is_flat(sample.rgb) for sample in batch]
            cuts.extend([(ms, sample.rgb) for ms, sample in zip(times_ms, batch, strict=True)], vectors, flat)
            for first in cutter.extend(times_ms, vectors, flat):
                on_run(times_ms[first], batch[first].rgb)
                described.add(batch[first].rgb, vectors[first])
            on_progress(reader.position_s, reader.info.duration_s)
        info = reader.measured()
    return _track(video, descriptor, described, cutter.finish(), info, cuts.finish(1 / (info.fps or 25.0)))


def describe_again(track: FrameTrack, pictures: Iterable[Picture], descriptor: Descriptor) -> FrameTrack:
    """The track of the same runs by another descriptor.

    Args:
        pictures: the first frame of each run, (144, 256, 3) RGB, in their order.

    Raises:
        ValueError: there are more or fewer pictures than runs.
    """
    described = _Described(descriptor)
    for picture in pictures:
        described.add(picture)
    vectors = described.vectors()
    if len(vectors) != len(track):
        raise ValueError(f"{len(vectors)} pictures for {len(track)} runs")
    return replace(track, descriptor=descriptor.name, descriptors=vectors)


def _batches(samples: Iterator[Sample]) -> Iterator[list[Sample]]:
    batch: list[Sample] = []
    for sample in samples:
        batch.append(sample)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


class _Described:
    """Describes pictures as they come, some at a time, and keeps nothing of them but that."""

    def __init__(self, descriptor: Descriptor) -> None:
        self._descriptor = descriptor
        self._waiting: list[Picture] = []
        self._done: list[NDArray[np.float16]] = []

    def add(self, rgb: Picture, by_dct: NDArray[np.float32] | None = None) -> None:
        """Take one more; its descriptor by the DCT, where it is known, is not computed twice."""
        if by_dct is not None and self._descriptor.name == DctDescriptor.name:
            self._done.append(by_dct[None].astype(np.float16))
            return
        self._waiting.append(rgb)
        if len(self._waiting) == _BATCH:
            self._describe()

    def _describe(self) -> None:
        if self._waiting:
            self._done.append(self._descriptor.describe(np.stack(self._waiting)).astype(np.float16))
            self._waiting.clear()

    def vectors(self) -> NDArray[np.float16]:
        """(N, dim) of all pictures, in their order."""
        self._describe()
        return np.concatenate(self._done) if self._done else np.empty((0, self._descriptor.dim), np.float16)


def _track(
    video: str,
    descriptor: Descriptor,
    described: _Described,
    runs: Runs,
    info: VideoInfo,
    cuts_ms: NDArray[np.int32],
) -> FrameTrack:
    return FrameTrack(
        video=video,
        descriptor=descriptor.name,
        descriptors=described.vectors(),
        from_ms=runs.from_ms,
        at_ms=np.stack([runs.from_ms, runs.to_ms]).mean(axis=0).astype(np.int32),
        to_ms=runs.to_ms,
        shots_ms=runs.shots_ms,
        info=info,
        cuts_ms=cuts_ms,
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
