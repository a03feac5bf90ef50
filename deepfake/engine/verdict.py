"""What the detector says of a video, and on what grounds."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any


class Result(StrEnum):
    """What a video is taken for; the values are the public contract's."""

    AI_GENERATED = "ai_generated"
    REAL = "real"
    INCONCLUSIVE = "inconclusive"


class Manipulation(StrEnum):
    """What kind of artificial video it is, where that is known."""

    FACE = "face_manipulation"


class Quality(StrEnum):
    """Why a verdict on a video may be worth less."""

    TOO_DARK = "too_dark"
    TOO_SHORT = "too_short"
    TOO_SMALL = "too_small"
    HEAVILY_COMPRESSED = "heavily_compressed"
    NEARLY_STILL = "nearly_still"
    NO_FACE = "no_face"
    ONLY_BEGINNING = "only_beginning"


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a frame; each number is a share of the frame's width or height, 0 to 1."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Face:
    """A face in a frame.

    Attributes:
        score: how sure the face detector is, 0 to 1.
        prob_fake: how likely the face is manipulated, 0 to 1; None where no face model looked at it.
    """

    box: Box
    score: float
    prob_fake: float | None = None


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a frame that weighed in its probability.

    Attributes:
        weight: its share among the parts of the frame, 0 to 1.
    """

    box: Box
    weight: float


@dataclass(frozen=True, slots=True)
class FrameEvidence:
    """One frame that was looked at.

    Attributes:
        at_s: seconds from the start of the video.
        prob_fake: calibrated, of this frame alone.
        weight: its share in the verdict, 0 to 1; all frames together have 1.
        regions: the parts that weighed most, heaviest first.
    """

    at_s: float
    prob_fake: float
    weight: float
    faces: tuple[Face, ...] = ()
    regions: tuple[Region, ...] = ()


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a video without a gap, in seconds from its start."""

    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True)
class LookedAt:
    """How much of a video the verdict is about.

    Attributes:
        whole: False if only its beginning could be had, as of a long one that comes in pieces.
        stretches: what was decoded of what could be had, in order; one if there was no need to leave anything out.
    """

    whole: bool = True
    stretches: tuple[Stretch, ...] = ()


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What the file is."""

    width: int
    height: int
    fps: float
    duration_s: float
    codec: str
    container: str
    bits_per_pixel: float


@dataclass(frozen=True, slots=True)
class ProvenanceMark:
    """Something in the file that says where it comes from.

    Attributes:
        found_in: ``c2pa`` or ``metadata``.
        generator: the software or model that it names.
        is_generator: whether that is known to make AI video.
        detail: what stands there, shortened.
        verified: whether a signature over it holds; None where there is none.
    """

    found_in: str
    generator: str
    is_generator: bool
    detail: str = ""
    verified: bool | None = None


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Which model it was.

    Attributes:
        metrics: its measured error rates, as its manifest has them.
    """

    name: str
    version: str
    sha256: str
    metrics: dict[str, float]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Probabilities that a result takes, as they applied to one video: between the two it is inconclusive."""

    real_below: float
    fake_above: float


@dataclass(frozen=True, slots=True)
class FramePicture:
    """A frame that was looked at, to be shown.

    Attributes:
        plain: a small JPEG.
        heat: the same with the parts that spoke for a fake coloured; empty where the model does not tell them.
    """

    plain: bytes
    heat: bytes = b""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the detector says.

    Attributes:
        prob_fake: calibrated, that the video is generated or manipulated, 0 to 1.
        manipulation: the kind, where it is known.
        pictures: of ``frames``, in their order; empty where there are none.
    """

    result: Result
    prob_fake: float
    model: ModelFacts
    video: VideoFacts
    manipulation: Manipulation | None = None
    frames: tuple[FrameEvidence, ...] = ()
    quality: tuple[Quality, ...] = ()
    provenance: tuple[ProvenanceMark, ...] = ()
    looked_at: LookedAt = LookedAt()
    thresholds: Thresholds | None = None
    pictures: tuple[FramePicture, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain lists and dicts, as they are stored and told; pictures are files of their own."""
        told = asdict(replace(self, pictures=()))
        del told["pictures"]
        return told
