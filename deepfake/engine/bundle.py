"""Bundles: a folder with networks, what is known of them, and what vouches for their bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from deepfake.engine.manifest import NAME, BundleFile, BundleManifest
from deepfake.engine.manifest_fields import BundleError

MANIFEST = "manifest.json"
#: Bundles that come with the project, one folder each. One whose manifest names an origin for a file that is not in
#: the folder has to be installed first.
SHIPPED = Path(__file__).resolve().parent.parent / "bundles"
#: The bundle that is used where nobody says otherwise.
CURRENT = "videoefficientattn-1"
#: The more accurate one, which has to be installed: its encoder is too large for the project.
LARGER = "clip-b16-1"
#: Bytes of a manifest that are read: one is a few kilobytes long.
MOST_MANIFEST_BYTES = 1 << 20


class Whole(StrEnum):
    """Whether a file is as its manifest says."""

    WHOLE = "whole"
    MISSING = "missing"
    ALTERED = "altered"


#: When each file of a bundle was written, and how long it is: what differs is read again.
Stamp = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose manifest was read; its files are verified as they are read.

    Attributes:
        name: of its folder.
        sha256: of the manifest, hexadecimal: with it, everything is the same, the files included.
    """

    name: str
    folder: Path
    manifest: BundleManifest
    sha256: str

    @classmethod
    def read(cls, folder: Path) -> Bundle:
        """Read a bundle's manifest.

        Raises:
            BundleError: it is missing, no manifest, or of an unknown format.
        """
        if not NAME.fullmatch(folder.name):
            raise BundleError("this is no name that a bundle can have")
        try:
            with (folder / MANIFEST).open("rb") as file:
                content = file.read(MOST_MANIFEST_BYTES)
            manifest = BundleManifest.of(json.loads(content))
        except OSError as error:
            raise BundleError(f"model {folder.name}: its manifest is missing") from error
        except (ValueError, RecursionError) as error:
            raise BundleError(f"model {folder.name}: its manifest is not JSON") from error
        except BundleError as error:
            raise BundleError(f"model {folder.name}: {error}") from error
        return cls(folder.name, folder, manifest, hashlib.sha256(content).hexdigest())

    def content(self, name: str) -> bytes:
        """The bytes of a file, verified.

        Raises:
            BundleError: it is missing, or not what the manifest says.
        """
        file = self.manifest.file(name)
        try:
            with (self.folder / name).open("rb") as opened:
                content = opened.read(file.size + 1)
        except OSError as error:
            raise BundleError(f"model {self.name}: {name} is missing") from error
        if len(content) != file.size or hashlib.sha256(content).hexdigest() != file.sha256:
            raise BundleError(f"model {self.name}: {name} was altered")
        return content

    def state_of(self, file: BundleFile) -> Whole:
        """Whether a file is there and whole."""
        try:
            with (self.folder / file.name).open("rb") as opened:
                digest = hashlib.file_digest(opened, "sha256").hexdigest()
                size = opened.tell()
        except OSError:
            return Whole.MISSING
        return Whole.WHOLE if (size, digest) == (file.size, file.sha256) else Whole.ALTERED

    def problems(self) -> list[str]:
        """A sentence for every file that is missing or altered."""
        words = {Whole.MISSING: "is missing", Whole.ALTERED: "was altered: its SHA-256 is not the manifest's"}
        states = ((file.name, self.state_of(file)) for file in self.manifest.files)
        return [
            f"model {self.name}: {name} {words[state]}" for name, state in states if state is not Whole.WHOLE
        ]

    def missing(self) -> list[BundleFile]:
        """The files that are not there."""
        return [file for file in self.manifest.files if not (self.folder / file.name).is_file()]

    def stamp(self) -> Stamp:
        """Tells, without reading them, whether the files are those that were read before."""
        names = [MANIFEST, *(file.name for file in self.manifest.files)]
        return tuple(_stamp(self.folder, name) for name in names)


def _stamp(folder: Path, name: str) -> tuple[str, int, int, int]:
    try:
        stat = (folder / name).stat()
    except OSError:
        return name, 0, 0, 0
    return name, stat.st_mtime_ns, stat.st_ino, stat.st_size


def find_bundle(name: str, shelves: Iterable[Path]) -> Bundle:
    """The bundle of a name, from the first shelf (a folder of bundles) that has one.

    Raises:
        BundleError: there is none of that name, or its manifest cannot be read.
    """
    if not NAME.fullmatch(name):
        raise BundleError("this is no name that a model can have")
    for shelf in shelves:
        if (shelf / name).is_dir():
            return Bundle.read(shelf / name)
    raise BundleError(f"there is no model {name}")


def names_on(shelf: Path) -> list[str]:
    """Names of the bundles on a shelf; none where there is no such folder."""
    if not shelf.is_dir():
        return []
    return sorted(
        folder.name for folder in shelf.iterdir() if folder.is_dir() and NAME.fullmatch(folder.name)
    )
