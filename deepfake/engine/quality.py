"""What may make a verdict worth less: measured on the file, judged by fixed thresholds."""

from __future__ import annotations

from dataclasses import dataclass

from deepfake.engine.verdict import Quality

#: Median luma (16 is black, 235 white) of the frames below which they are too dark.
DARK_LUMA = 45.0
#: Seconds, and frames that differ from each other, below which a video is too short.
SHORT_S, SHORT_FRAMES = 1.0, 4
#: Pixels of the shorter side below which a video is too small.
SMALL_SIDE = 200
#: Quantiser of H.264 from which on a video is heavily compressed: x264's crf 38 comes to about 38, crf 32 to 32.
COARSE_QUANTISER = 35.0
#: Of other codecs: the blockiness above which it is, and what it takes to be so with fewer bits than usual.
BLOCKY, BLOCKY_IF_FEW_BITS = 1.6, 1.15
#: Bits a pixel below which there are few.
FEW_BITS = 0.03
#: Steps of luma, from one picture of the time grid to the next, below which nothing much moves.
STILL_MOTION = 0.25


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured on a video.

    Attributes:
        short_side: of the video as it is shown, in pixels.
        frames: of the time grid that differ from the one before.
        luma: median of the frames that are looked at, 16 to 235.
        motion: mean change between neighbouring pictures of a shot, in steps of luma.
        blockiness, quantiser: see :mod:`deepfake.engine.compression`; None where they could not be measured.
    """

    short_side: int
    duration_s: float
    frames: int
    luma: float
    motion: float
    bits_per_pixel: float
    blockiness: float | None
    quantiser: float | None


def warnings_of(
    measured: Measured, *, faces_looked_for: bool, faces_found: bool, whole: bool = True
) -> tuple[Quality, ...]:
    """Every reason why a verdict on this video may be worth less.

    Args:
        whole: whether there was more to look at than the video's beginning.
    """
    found = {
        Quality.TOO_DARK: measured.luma < DARK_LUMA,
        Quality.TOO_SHORT: measured.duration_s < SHORT_S or measured.frames < SHORT_FRAMES,
        Quality.TOO_SMALL: measured.short_side < SMALL_SIDE,
        Quality.HEAVILY_COMPRESSED: is_heavily_compressed(measured),
        Quality.NEARLY_STILL: measured.motion < STILL_MOTION,
        Quality.NO_FACE: faces_looked_for and not faces_found,
        Quality.ONLY_BEGINNING: not whole,
    }
    return tuple(warning for warning, applies in found.items() if applies)


def is_heavily_compressed(measured: Measured) -> bool:
    """Whether an encoder had to be coarse: by its quantiser, or else by blocks that show, or few bits and some blocks."""
    if measured.quantiser is not None:
        return measured.quantiser >= COARSE_QUANTISER
    if measured.blockiness is None:
        return measured.bits_per_pixel < FEW_BITS / 2
    if measured.bits_per_pixel < FEW_BITS:
        return measured.blockiness > BLOCKY_IF_FEW_BITS
    return measured.blockiness > BLOCKY
