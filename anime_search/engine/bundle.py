"""Learnt descriptors: a folder with a network, what is known of it, and what vouches for its bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from anime_search.engine.descriptor import DctDescriptor, Descriptor, Vectors, unit_length
from anime_search.engine.index.manifest import FileDigest, Geometry, ManifestError

#: Format of ``manifest.json``; a reader refuses a number it does not know.
FORMAT = 1
MANIFEST = "manifest.json"
#: Bundles that come with the project, one folder each.
SHIPPED = Path(__file__).resolve().parent.parent / "bundles"
#: Pictures that go through the network at a time: more of them are no quicker and take more memory.
BATCH = 16
#: The descriptor that new videos are described with.
CURRENT = "lite0-2"


class BundleError(Exception):
    """A bundle is missing, altered, or of a kind that this version does not read."""


@dataclass(frozen=True, slots=True)
class BundleManifest:
    """What a bundle is.

    Attributes:
        name: of the descriptor that it makes; an index is tied to it.
        width, height: of the network's input in pixels.
        network_dim: numbers that the network gives a picture, of unit length.
        layout_weight: weight of the picture's layout (:class:`.descriptor.DctDescriptor`) beside the network's
            numbers; 0 leaves it out. The cosine of two joined vectors is the weighted mean of both cosines.
        licence, source, training: in words and figures, for whoever wants to know what the weights are of.
        network: the ONNX file.
    """

    name: str
    width: int
    height: int
    network_dim: int
    layout_weight: float
    licence: str
    source: str
    training: dict[str, Any]
    network: FileDigest

    @property
    def dim(self) -> int:
        """Numbers of a vector."""
        return self.network_dim + (DctDescriptor.dim if self.layout_weight else 0)

    @classmethod
    def read(cls, folder: Path) -> BundleManifest:
        """Read a bundle's manifest.

        Raises:
            BundleError: it is missing, no manifest, or of an unknown format.
        """
        try:
            raw = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            if raw.pop("format") != FORMAT:
                raise BundleError(f"bundle {folder.name} is of another format than {FORMAT}")
            return cls(**{**raw, "network": FileDigest(**raw["network"])})
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BundleError(f"bundle {folder.name} cannot be read: {error}") from error


class BundleDescriptor:
    """A network's view of a picture, joined with its layout where the manifest says so.

    Args:
        folder: of the bundle; every byte that is loaded is verified first.
        threads: that one picture may be spread over.

    Raises:
        BundleError: a file is missing or altered, or is not what the manifest says.
    """

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        self.manifest = BundleManifest.read(folder)
        self.name = self.manifest.name
        try:
            self.manifest.network.verify(folder)
        except ManifestError as error:
            raise BundleError(f"bundle {self.name}: {error}") from error
        # It takes long to load, and whoever only asks for names and sizes does without.
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Waiting busily between two pictures would take a core from whoever decodes them.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(folder / self.manifest.network.name), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's errors have no common base but this
            raise BundleError(f"bundle {self.name}: its network does not load") from error
        self._layout = DctDescriptor() if self.manifest.layout_weight else None
        self.dim = self.manifest.dim
        self._input = self._session.get_inputs()[0].name

    def describe(self, pictures: NDArray[np.uint8]) -> Vectors:
        """See :meth:`.descriptor.Descriptor.describe`."""
        size = (self.manifest.width, self.manifest.height)
        vectors = np.empty((len(pictures), self.manifest.network_dim), np.float32)
        for start in range(0, len(pictures), BATCH):
            batch = pictures[start : start + BATCH]
            small = np.stack([cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in batch])
            vectors[start : start + len(batch)] = self._session.run(None, {self._input: small})[0]
        if self._layout is None:
            return unit_length(vectors)
        layouts = self.manifest.layout_weight * self._layout.describe(pictures)
        return unit_length(np.concatenate([vectors, layouts], axis=1))


@cache
def descriptor_named(name: str, threads: int = 1) -> Descriptor:
    """The descriptor of a name, made once a process: it may be used by any number of threads.

    Raises:
        KeyError: there is none of that name.
        BundleError: there is, and its files are not whole.
    """
    if name == DctDescriptor.name:
        return DctDescriptor()
    if name not in known_descriptors():
        raise KeyError(name)
    return BundleDescriptor(SHIPPED / name, threads=threads)


def known_geometries() -> dict[str, Geometry]:
    """What vectors each known descriptor makes, without loading its network.

    Raises:
        BundleError: the manifest of a bundle cannot be read.
    """
    geometries = {DctDescriptor.name: Geometry(DctDescriptor.name, DctDescriptor.dim)}
    for name in known_descriptors():
        if name != DctDescriptor.name:
            manifest = BundleManifest.read(SHIPPED / name)
            geometries[name] = Geometry(manifest.name, manifest.dim)
    return geometries


def known_descriptors() -> tuple[str, ...]:
    """Names of all descriptors that this version can compute."""
    shipped = sorted(folder.name for folder in SHIPPED.iterdir() if (folder / MANIFEST).is_file())
    return (DctDescriptor.name, *shipped)
