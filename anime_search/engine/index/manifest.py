"""What an index's files are, written beside them: nothing is loaded that its manifest does not vouch for."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from anime_search.engine.index.codes import STORAGE

#: Format of the manifests below; a reader refuses a number it does not know. Those of format 1 held hnswlib's files.
FORMAT = 2


class ManifestError(Exception):
    """A manifest or a file it vouches for is missing, altered, or of another kind than the reader's."""


@dataclass(frozen=True, slots=True)
class FileDigest:
    """Name, size in bytes and SHA-256 (hex) of one file."""

    name: str
    size: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Self:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return cls(path.name, file.tell(), digest)

    def verify(self, folder: Path) -> None:
        """Compare with the file in ``folder``.

        Raises:
            ManifestError: it is missing, of another size, or of other content.
        """
        try:
            found = FileDigest.of(folder / self.name)
        except OSError as error:
            raise ManifestError(f"{self.name} cannot be read: {error.strerror}") from error
        if found.size != self.size:
            raise ManifestError(f"{self.name} has {found.size} bytes, not {self.size}")
        if found.sha256 != self.sha256:
            raise ManifestError(f"{self.name} was altered: its SHA-256 is not the manifest's")


@dataclass(frozen=True, slots=True)
class Geometry:
    """What vectors an index holds; indexes of different geometry are never mixed or compared.

    Attributes:
        descriptor: name of the descriptor that made them.
        dim: numbers of a vector.
        storage: how a number is stored, see :mod:`anime_search.engine.index.codes`.
    """

    descriptor: str
    dim: int
    metric: str = "cosine"
    storage: str = STORAGE


@dataclass(frozen=True, slots=True)
class SegmentManifest:
    """One immutable set of videos: its graph, its frame times, and their digests."""

    segment: str
    geometry: Geometry
    count: int
    videos: tuple[str, ...]
    files: tuple[FileDigest, ...]
    format: int = FORMAT

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read ``segment.json``.

        Raises:
            ManifestError: it is missing, no manifest, or of an unknown format.
        """
        raw = _read(path)
        try:
            return cls(
                segment=str(raw["segment"]),
                geometry=Geometry(**raw["geometry"]),
                count=int(raw["count"]),
                videos=tuple(raw["videos"]),
                files=tuple(FileDigest(**file) for file in raw["files"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ManifestError(f"{path.name} is not a segment's manifest") from error

    def encode(self) -> bytes:
        return _encode(self)


@dataclass(frozen=True, slots=True)
class SegmentRef:
    """A generation's word on one segment: the digest of its manifest."""

    segment: str
    sha256: str
    count: int


@dataclass(frozen=True, slots=True)
class GenerationManifest:
    """One state of the whole index: its segments, and the videos in them that are gone.

    ``created`` is an ISO 8601 time in UTC.
    """

    number: int
    geometry: Geometry
    created: str
    segments: tuple[SegmentRef, ...]
    gone: tuple[str, ...] = ()
    format: int = FORMAT

    @property
    def count(self) -> int:
        """Vectors in all segments, those of videos that are gone included."""
        return sum(ref.count for ref in self.segments)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a generation's file.

        Raises:
            ManifestError: it is missing, no manifest, or of an unknown format.
        """
        raw = _read(path)
        try:
            return cls(
                number=int(raw["number"]),
                geometry=Geometry(**raw["geometry"]),
                created=str(raw["created"]),
                segments=tuple(SegmentRef(**ref) for ref in raw["segments"]),
                gone=tuple(raw["gone"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ManifestError(f"{path.name} is not a generation's manifest") from error

    def encode(self) -> bytes:
        return _encode(self)


def _encode(manifest: SegmentManifest | GenerationManifest) -> bytes:
    raw = asdict(manifest)
    return json.dumps({**raw, "sha256": _digest(raw)}, indent=1).encode() + b"\n"


def _digest(raw: dict[str, Any]) -> str:
    """SHA-256 of what a manifest says: a flipped bit must not bring a deleted video back."""
    return hashlib.sha256(json.dumps(raw, sort_keys=True).encode()).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    try:
        raw = json.loads(path.read_bytes())
    except OSError as error:
        raise ManifestError(f"{path.name} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{path.name} is not JSON") from error
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        if isinstance(raw, dict) and raw.get("format") == 1:
            raise ManifestError(
                f"{path.name} is of an index that an older version made, which this one does not read: "
                "make it anew with manage.py anime_index reindex"
            )
        raise ManifestError(f"{path.name} is of an unknown format")
    if raw.pop("sha256", None) != _digest(raw):
        raise ManifestError(f"{path.name} was altered: its SHA-256 is another")
    return raw
