"""The index on disk: generations of immutable segments, built aside and activated by one rename.

Layout below the root::

    segments/<id>/{frames.hnsw, times.safetensors, segment.json}
    generations/<number>.json      which segments make one state of the index
    CURRENT                        the number of the generation in use
"""

from __future__ import annotations

import fcntl
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from anime_search.engine.index.manifest import (
    FileDigest,
    GenerationManifest,
    Geometry,
    ManifestError,
    SegmentManifest,
    SegmentRef,
)
from anime_search.engine.index.segment import MANIFEST, Segment, VideoFrames, build_segment
from anime_search.engine.index.snapshot import Snapshot
from anime_search.engine.whole_file import write_whole

#: Generations that are kept behind the current one, to roll back to.
KEPT_GENERATIONS = 3
#: More segments than this are merged: every search asks each of them.
MOST_SEGMENTS = 8

#: What ``CURRENT`` may hold.
_NUMBER = re.compile("[0-9]{1,12}")

Progress = Callable[[int], None]


class OtherDescriptorError(ManifestError):
    """The generation in use was made by another descriptor: only building the index anew goes on from it."""


class IndexStore:
    """The one place that reads and writes the index's files.

    Readers load a generation of any geometry that they know, and ask it for vectors of its own descriptor
    (``Snapshot.manifest.geometry``): so the answers of an old descriptor's index are served until :meth:`build` has
    made that of a new one, and again after :meth:`rollback`. Writers only ever write vectors of their own geometry.

    Args:
        root: folder of the index.
        geometry: of the vectors that this process makes.
        known: other geometries that this process can make queries for; generations of the rest are refused.
        ef: search list of the graphs, see :mod:`anime_search.engine.index.hnsw`.
        now: the clock that dates generations.
    """

    def __init__(
        self,
        root: Path,
        geometry: Geometry,
        *,
        ef: int,
        known: Iterable[Geometry] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.root = root
        self.geometry = geometry
        self.known = frozenset({geometry, *known})
        self._ef = ef
        self._now = now
        self._segments = root / "segments"
        self._generations = root / "generations"
        self._current = root / "CURRENT"

    # --- reading

    def current_number(self) -> int | None:
        """Number of the generation in use; None before the first.

        Raises:
            ManifestError: ``CURRENT`` is not readable as a number.
        """
        try:
            text = self._current.read_text()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise ManifestError("CURRENT cannot be read") from error
        if not _NUMBER.fullmatch(text.strip()):
            raise ManifestError("CURRENT does not hold a generation's number")
        return int(text)

    def numbers(self) -> list[int]:
        """Numbers of all generations on disk, ascending."""
        return sorted(int(path.stem) for path in self._generations.glob("*.json") if path.stem.isdigit())

    def manifest(self, number: int) -> GenerationManifest:
        """Read one generation's manifest.

        Raises:
            ManifestError: it is missing, no manifest, or made for vectors that this process does not know.
        """
        manifest = GenerationManifest.read(self._generation_path(number))
        if manifest.geometry not in self.known:
            raise ManifestError(
                f"generation {number} was made by the descriptor {manifest.geometry.descriptor}, which this version "
                "does not have: make it anew with manage.py anime_index reindex"
            )
        if manifest.number != number:
            raise ManifestError(f"generation {number} calls itself {manifest.number}")
        return manifest

    def load(self, number: int, loaded: Mapping[str, Segment] | None = None) -> Snapshot:
        """Verify and load a generation.

        Args:
            loaded: segments in memory already, by the SHA-256 of their manifests; they are shared.

        Raises:
            ManifestError: any of its files is missing, altered or foreign.
        """
        manifest = self.manifest(number)
        try:
            segments = [self._load_segment(ref, manifest.geometry, loaded or {}) for ref in manifest.segments]
            return Snapshot(manifest, segments)
        except OSError as error:
            raise ManifestError(f"generation {number} cannot be read: {error.strerror}") from error

    def load_best(self, loaded: Mapping[str, Segment] | None = None) -> tuple[Snapshot | None, list[str]]:
        """Load the generation in use or, if it is broken, the newest older one that is whole.

        Returns:
            The snapshot (None where there is nothing that can be searched), and a sentence for every
            generation that was refused.
        """
        problems: list[str] = []
        try:
            current = self.current_number()
        except ManifestError as error:
            problems.append(str(error))
            current = max(self.numbers(), default=None)
        if current is None:
            return None, problems
        for number in sorted({current, *(n for n in self.numbers() if n < current)}, reverse=True):
            try:
                return self.load(number, loaded), problems
            except ManifestError as error:
                problems.append(f"generation {number} is not usable: {error}")
        return None, problems

    def _load_segment(self, ref: SegmentRef, geometry: Geometry, loaded: Mapping[str, Segment]) -> Segment:
        if shared := loaded.get(ref.sha256):
            return shared
        folder = self._folder(ref)
        if FileDigest.of(folder / MANIFEST).sha256 != ref.sha256:
            raise ManifestError(f"{MANIFEST} of segment {ref.segment} is not the generation's")
        return Segment.load(folder, geometry=geometry, ef=self._ef)

    def _folder(self, ref: SegmentRef) -> Path:
        folder = self._segments / ref.segment
        if not ref.segment.isalnum() or not (folder / MANIFEST).is_file():
            raise ManifestError(f"segment {ref.segment} is missing")
        return folder

    def _generation_path(self, number: int) -> Path:
        return self._generations / f"{number:08d}.json"

    # --- writing

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the one lock of writers; the kernel drops it when the process dies."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def build(
        self,
        videos: Iterable[VideoFrames],
        count: int,
        *,
        threads: int,
        on_progress: Progress = lambda _: None,
    ) -> GenerationManifest:
        """Make the index anew out of ``videos`` and use it."""
        refs = self._segment_of(videos, count, threads, on_progress)
        return self._publish(refs, gone=())

    def add(self, videos: Iterable[VideoFrames], count: int, *, threads: int) -> GenerationManifest:
        """Put videos beside those in use, as a segment of their own; merge segments when there are many.

        The caller holds :meth:`writing`, and adds no video that is in use already.

        Raises:
            OtherDescriptorError: what is in use was made by another descriptor that is known; beside it these
                videos would be all that is found.
        """
        if other := self.in_use_of_another():
            raise OtherDescriptorError(
                f"generation {other.number}, which is in use, was made by {other.geometry.descriptor} "
                f"and not by {self.geometry.descriptor}: build the index anew first"
            )
        base = self.usable()
        refs = self._segment_of(videos, count, threads, lambda _: None)
        present = {video for ref in refs for video in self._videos(ref)}
        gone = tuple(video for video in base.gone if video not in present) if base else ()
        # A video that went and came back is in an old segment too, where it must stay hidden: rewrite those.
        returned = present & set(base.gone) if base else set()
        kept = list(base.segments) if base else []
        if returned:
            stale = [ref for ref in kept if returned & set(self._videos(ref))]
            kept = [ref for ref in kept if ref not in stale]
            kept += self._merged(stale, hidden=set(base.gone if base else ()), threads=threads)
        manifest = self._publish([*kept, *refs], gone=gone)
        if len(manifest.segments) > MOST_SEGMENTS:
            manifest = self._merge(manifest, smallest_segments(manifest.segments), threads)
        return manifest

    def remove(self, videos: Iterable[str]) -> GenerationManifest | None:
        """Hide videos from searches; their vectors go when their segment is next merged.

        None where there is nothing that :meth:`usable` goes on from.
        """
        base = self.usable()
        if base is None:
            return None
        return self._publish(base.segments, gone=tuple(sorted({*base.gone, *videos})))

    def merge(self, *, threads: int, on_progress: Progress = lambda _: None) -> GenerationManifest | None:
        """Make one segment of all, without the videos that are gone; None as :meth:`remove`."""
        base = self.usable()
        if base is None or (len(base.segments) <= 1 and not base.gone):
            return base
        return self._merge(base, base.segments, threads, on_progress)

    def rollback(self) -> GenerationManifest:
        """Use the newest whole generation older than the one in use.

        Raises:
            ManifestError: there is none.
        """
        try:
            current = self.current_number()
        except ManifestError:
            current = None if not self.numbers() else self.numbers()[-1] + 1
        for number in reversed(self.numbers()):
            if current is not None and number < current:
                try:
                    manifest = self.load(number).manifest
                except ManifestError:
                    continue
                write_whole(self._current, f"{number}\n".encode())
                return manifest
        raise ManifestError("there is no older generation to go back to")

    def verify(self) -> list[str]:
        """Check every file of the generation in use; a sentence for each problem."""
        problems: list[str] = []
        try:
            number = self.current_number()
            manifest = None if number is None else self.manifest(number)
        except ManifestError as error:
            return [str(error)]
        if manifest is None:
            return []
        for ref in manifest.segments:
            try:
                self._load_segment(ref, manifest.geometry, {})
            except (ManifestError, OSError) as error:
                problems.append(str(error))
        return problems

    def usable(self) -> GenerationManifest | None:
        """What a writer continues from: the newest generation, from the one in use back, whose files are there.

        None while the one in use was made by another descriptor: an older one of this descriptor would bring back
        what has changed since. Their sizes are compared and not their digests: reading the whole index for every new episode would
        cost more than adding it, and readers verify what they load.
        """
        manifest = self._newest_whole()
        return manifest if manifest and manifest.geometry == self.geometry else None

    def in_use_of_another(self) -> GenerationManifest | None:
        """The generation that a writer would continue from, if only it were of the writer's own geometry."""
        manifest = self._newest_whole()
        return manifest if manifest and manifest.geometry != self.geometry else None

    def _newest_whole(self) -> GenerationManifest | None:
        numbers = self.numbers()
        try:
            current = self.current_number()
        except ManifestError:
            current = max(numbers, default=None)
        for number in reversed(numbers):
            # Where there is no CURRENT, nothing was ever published: readers have nothing either.
            if current is not None and number <= current:
                try:
                    manifest = self.manifest(number)
                    for ref in manifest.segments:
                        self._check_sizes(ref)
                except ManifestError:
                    continue
                return manifest
        return None

    def videos(self, manifest: GenerationManifest) -> frozenset[str]:
        """Content hashes of the videos that a generation answers with.

        Raises:
            ManifestError: a segment's manifest is missing or none.
        """
        return frozenset(video for ref in manifest.segments for video in self._videos(ref)) - set(
            manifest.gone
        )

    def _check_sizes(self, ref: SegmentRef) -> None:
        folder = self._folder(ref)
        for file in SegmentManifest.read(folder / MANIFEST).files:
            path = folder / file.name
            if not path.is_file() or path.stat().st_size != file.size:
                raise ManifestError(f"{file.name} of segment {ref.segment} is cut or missing")

    def _segment_of(
        self, videos: Iterable[VideoFrames], count: int, threads: int, on_progress: Progress
    ) -> list[SegmentRef]:
        manifest, digest = build_segment(
            self._segments,
            videos,
            geometry=self.geometry,
            count=count,
            threads=threads,
            on_progress=on_progress,
        )
        return [SegmentRef(manifest.segment, digest.sha256, manifest.count)]

    def _merge(
        self,
        base: GenerationManifest,
        chosen: Iterable[SegmentRef],
        threads: int,
        on_progress: Progress = lambda _: None,
    ) -> GenerationManifest:
        chosen = list(chosen)
        others = [ref for ref in base.segments if ref not in chosen]
        merged = self._merged(chosen, hidden=set(base.gone), threads=threads, on_progress=on_progress)
        elsewhere = {video for ref in others for video in self._videos(ref)}
        return self._publish([*others, *merged], gone=tuple(v for v in base.gone if v in elsewhere))

    def _merged(
        self,
        refs: Iterable[SegmentRef],
        *,
        hidden: set[str],
        threads: int,
        on_progress: Progress = lambda _: None,
    ) -> list[SegmentRef]:
        segments = [self._load_segment(ref, self.geometry, {}) for ref in refs]
        parts = [(s, v) for s in segments for v in s.manifest.videos if v not in hidden]
        if not parts:
            return []
        count = sum(segment.video_count(video) for segment, video in parts)
        return self._segment_of((s.frames(v) for s, v in parts), count, threads, on_progress)

    def _videos(self, ref: SegmentRef) -> tuple[str, ...]:
        return SegmentManifest.read(self._folder(ref) / MANIFEST).videos

    def _publish(self, segments: Iterable[SegmentRef], gone: tuple[str, ...]) -> GenerationManifest:
        manifest = GenerationManifest(
            number=max(self.numbers(), default=0) + 1,
            geometry=self.geometry,
            created=self._now().isoformat(timespec="seconds"),
            segments=tuple(segments),
            gone=gone,
        )
        write_whole(self._generation_path(manifest.number), manifest.encode())
        write_whole(self._current, f"{manifest.number}\n".encode())
        self._collect_garbage(manifest.number)
        return manifest

    def _collect_garbage(self, current: int) -> None:
        """Delete generations that are too old to go back to, segments that none refers to, and unfinished files."""
        numbers = [number for number in self.numbers() if number <= current]
        for number in numbers[: -KEPT_GENERATIONS - 1]:
            self._generation_path(number).unlink(missing_ok=True)
        used: set[str] = set()
        for number in self.numbers():
            try:
                used |= {
                    ref.segment for ref in GenerationManifest.read(self._generation_path(number)).segments
                }
            except ManifestError:
                continue
        for folder in self._segments.iterdir():
            if folder.name not in used:
                shutil.rmtree(folder, ignore_errors=True)
        for unfinished in (*self.root.glob(".*.part"), *self._generations.glob(".*.part")):
            unfinished.unlink(missing_ok=True)


def smallest_segments(segments: Iterable[SegmentRef]) -> list[SegmentRef]:
    """Which segments to merge when there are too many: the smallest, so that large ones are seldom rewritten."""
    ordered = sorted(segments, key=lambda ref: ref.count)
    return ordered[: len(ordered) - MOST_SEGMENTS // 2]
