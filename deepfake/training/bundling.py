"""Bundles as the engine reads them: files beside a manifest that says what they are."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from deepfake.engine.bundle import MANIFEST, Bundle
from deepfake.engine.detector import Detector
from deepfake.engine.inputs import InputSpec
from deepfake.engine.manifest import (
    FORMAT,
    BundleFile,
    BundleManifest,
    Calibration,
    FacesSpec,
    Member,
    OperatingPoint,
    Origin,
)
from deepfake.engine.manifest_fields import BundleError
from deepfake.training.copies import sampling_spec

#: Of a bundle that was not calibrated: everything is inconclusive.
UNCALIBRATED = OperatingPoint(real_below=0.0, fake_above=1.0)


def file_in(
    folder: Path, name: str, *, licence: str, source: str, origin: Origin | None = None
) -> BundleFile:
    """A file of a folder, as a manifest lists it."""
    with (folder / name).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.tell()
    return BundleFile(name, size, digest, licence, source, origin)


def put_into(folder: Path, path: Path, name: str) -> None:
    """Put a file into a folder under a name: by a link where that is possible, for encoders are large."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{name}.part"
    partial.unlink(missing_ok=True)
    try:
        os.link(path, partial)
    except OSError:
        shutil.copyfile(path, partial)
    partial.replace(folder / name)


def new_manifest(
    *,
    name: str,
    version: str,
    licence: str,
    source: str,
    files: tuple[BundleFile, ...],
    member: Member,
    frames: int,
    training: Mapping[str, Any],
) -> BundleManifest:
    """The manifest of a bundle of one model that is not calibrated yet."""
    return BundleManifest(
        name=name,
        version=version,
        licence=licence,
        source=source,
        files=files,
        sampling=sampling_spec(frames),
        members=(member,),
        calibration=Calibration(),
        operating_point=UNCALIBRATED,
        faces=None,
        metrics={},
        training=training,
    )


def write_manifest(folder: Path, manifest: BundleManifest) -> None:
    """Write a manifest and load the bundle as a worker would.

    Raises:
        BundleError: the engine does not take it. The manifest that was there before is there still.
    """
    content = json.dumps(raw_of(manifest), indent=1) + "\n"
    BundleManifest.of(json.loads(content))
    path, kept = folder / MANIFEST, folder / f"{MANIFEST}.before"
    if path.is_file():
        path.replace(kept)
    partial = folder / f"{MANIFEST}.part"
    partial.write_text(content, encoding="utf-8")
    partial.replace(path)
    try:
        Detector(Bundle.read(folder))
    except BundleError:
        path.unlink()
        if kept.is_file():
            kept.replace(path)
        raise
    kept.unlink(missing_ok=True)


def raw_of(manifest: BundleManifest) -> dict[str, Any]:
    """A manifest as JSON says it: :meth:`BundleManifest.of` makes the same of it again."""
    raw: dict[str, Any] = {
        "format": FORMAT,
        "name": manifest.name,
        "version": manifest.version,
        "licence": manifest.licence,
        "source": manifest.source,
        "files": [_without_none(asdict(file)) for file in manifest.files],
        "sampling": asdict(manifest.sampling),
        "members": [_member(member) for member in manifest.members],
        "calibration": asdict(manifest.calibration),
        "operating_point": {
            "real_below": manifest.operating_point.real_below,
            "fake_above": manifest.operating_point.fake_above,
            "widened": {str(name): margin for name, margin in manifest.operating_point.widened.items()},
        },
        "metrics": dict(manifest.metrics),
        "training": dict(manifest.training),
    }
    if manifest.faces is not None:
        raw["faces"] = _faces(manifest.faces)
    return raw


def _member(member: Member) -> dict[str, Any]:
    raw: dict[str, Any] = {"weight": member.weight, "input": _input(member.spec)}
    if member.frames is not None:
        raw["frames"] = member.frames
    if member.network:
        return {"kind": "video", "network": member.network} | raw
    if member.extension:
        raw["extension"] = member.extension
    return {
        "kind": "encoder+head",
        "encoder": member.encoder,
        "head": member.head,
        "feeds": dict(member.feeds),
        "batch": member.batch,
    } | raw


def _faces(faces: FacesSpec) -> dict[str, Any]:
    raw: dict[str, Any] = {"detector": faces.detector, "score": faces.score}
    if faces.model is not None:
        model = asdict(faces.model)
        raw["model"] = model | {"input": _input(faces.model.spec)}
        del raw["model"]["spec"]
    return raw


def _input(spec: InputSpec) -> dict[str, Any]:
    return asdict(spec) | {"mean": list(spec.mean), "deviation": list(spec.deviation)}


def _without_none(raw: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in raw.items() if value is not None}
