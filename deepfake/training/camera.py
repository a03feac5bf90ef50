"""A photograph as a clip: a camera held by hand that pans and zooms over it.

What moves is the camera alone, without the parallax of a real scene; what is kept of a real camera is what is in single
pixels. Resampling is sub-pixel, at twice the size and then averaged as a sensor's cells do, so that nothing shimmers.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake.training.alterations import Clip, Random

#: Width to height of what the camera shows, and how often each is drawn: as published videos have it.
ASPECTS = (16 / 9, 4 / 3, 1.0)
_ASPECT_SHARES = (0.6, 0.25, 0.15)
#: Widest and narrowest view, as shares of the largest part of the photograph that has the aspect. The widest leaves out
#: borders and marks, as the crop of videos does.
WIDEST, NARROWEST = 0.86, 0.65
#: Shorter side of a photograph from which the narrowest view is not enlarged: 256 / 0.65 in the least lucky aspect.
SHORTEST_SIDE = 704
#: Sub-pixels a side, and moments of the exposure, that a frame is the mean of.
_FINE, _MOMENTS = 2, 3
#: Frequencies of a hand's tremor in Hz that 8 frames a second can show.
_TREMOR_HZ = (0.4, 3.5)
#: Waves that the tremor is the sum of.
_WAVES = 5

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Move:
    """What a virtual camera does.

    Attributes:
        aspect: width to height of the view.
        shares: of the view at the beginning and at the end; between ``NARROWEST`` and ``WIDEST``.
        begin, end: where the view's middle is, as shares (x, y) of the room that the narrower view leaves; 0 to 1.
        tilt: degrees that it is held askew by.
        tremor: of the hand, as a share of the view's shorter side.
        exposure_s: of one frame.
        noise: standard deviation in levels at mid grey.
        seed: of the tremor and the noise.
    """

    aspect: float
    shares: tuple[float, float]
    begin: tuple[float, float]
    end: tuple[float, float]
    tilt: float
    tremor: float
    exposure_s: float
    noise: float
    seed: int


def drawn_move(name: str, width: int, height: int) -> Move:
    """The move over a photograph of a size, drawn by a name: the same name, the same move."""
    random = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]))
    aspect = float(random.choice(ASPECTS, p=_ASPECT_SHARES))
    widest = random.uniform(0.78, WIDEST)
    zoomed = widest if random.random() < 0.35 else random.uniform(NARROWEST, 0.78)
    shares = (widest, zoomed) if random.random() < 0.5 else (zoomed, widest)
    begin, end = random.uniform(0, 1, 2), random.uniform(0, 1, 2)
    if random.random() < 0.25:
        # Held still, as far as a hand can.
        end, shares = begin, (widest, widest)
    return Move(
        aspect=aspect if width >= height else 1 / aspect,
        shares=(float(shares[0]), float(shares[1])),
        begin=(float(begin[0]), float(begin[1])),
        end=(float(end[0]), float(end[1])),
        tilt=float(random.normal(0, 0.6)),
        tremor=float(np.exp(random.uniform(np.log(0.001), np.log(0.008)))),
        exposure_s=float(1 / random.uniform(30, 250)),
        noise=float(random.uniform(0.3, 2.5)),
        seed=int(random.integers(1 << 31)),
    )


def filmed(photo: NDArray[np.uint8], move: Move, *, frames: int, rate_hz: float, short_side: int) -> Clip:
    """Film a photograph.

    Args:
        photo: (H, W, 3) uint8 RGB, its shorter side at least ``SHORTEST_SIDE``.
        rate_hz: frames a second.
        short_side: of the frames, in pixels; even.

    Returns:
        (frames, h, w, 3) uint8 RGB of even sides.
    """
    random = np.random.default_rng(move.seed)
    width, height = _size(move.aspect, short_side)
    photo, part = _reduced(photo, move, short_side)
    moments = _moments(frames, rate_hz, move.exposure_s)
    length_s = frames / rate_hz
    shake = np.stack([_tremor(moments, random) for _axis in range(3)], axis=-1) * move.tremor
    clip = np.empty((frames, height, width, 3), np.uint8)
    for number in range(frames):
        light = np.zeros((height, width, 3), np.float32)
        for moment in range(_MOMENTS):
            at = (number, moment)
            way = _eased(min(1.0, max(0.0, float(moments[at]) / length_s)))
            view = _view(photo.shape, part, move, way, shake[at])
            light += _seen(photo, view, width, height)
        clip[number] = _exposed(light / np.float32(_MOMENTS), move.noise, random)
    return clip


def _size(aspect: float, short_side: int) -> tuple[int, int]:
    wide, high = max(aspect, 1.0), max(1 / aspect, 1.0)
    return 2 * round(short_side * wide / 2), 2 * round(short_side * high / 2)


def _reduced(photo: NDArray[np.uint8], move: Move, short_side: int) -> tuple[NDArray[np.uint8], Numbers]:
    """The photograph no larger than the narrowest view needs it, and the size (w, h) of its largest part of the aspect."""
    height, width = photo.shape[:2]
    part = np.array([min(width, height * move.aspect), min(height, width / move.aspect)])
    needed = _FINE * short_side / (min(move.shares) * part.min())
    if needed < 1:
        size = (max(1, round(width * needed)), max(1, round(height * needed)))
        photo = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
        part = part * needed
    return photo, part


def _moments(frames: int, rate_hz: float, exposure_s: float) -> Numbers:
    """Seconds of the moments of each frame's exposure, (frames, _MOMENTS)."""
    within = (np.arange(_MOMENTS) / (_MOMENTS - 1) - 0.5) * exposure_s
    moments: Numbers = np.arange(frames)[:, None] / rate_hz + within
    return moments


def _tremor(times_s: Numbers, random: Random) -> Numbers:
    """A hand's displacement at each time, of standard deviation near 1: slow waves are larger than quick ones."""
    hertz = random.uniform(*_TREMOR_HZ, _WAVES)
    heights, phases = 1 / hertz, random.uniform(0, 2 * np.pi, _WAVES)
    waves = heights * np.sin(2 * np.pi * hertz * times_s[..., None] + phases)
    moved: Numbers = waves.sum(axis=-1) / np.sqrt((heights**2).sum() / 2)
    return moved


def _eased(way: float) -> float:
    return way * way * (3 - 2 * way)


def _view(
    shape: tuple[int, ...], part: Numbers, move: Move, way: float, shake: Numbers
) -> tuple[Numbers, Numbers, float]:
    """Middle (x, y) and size (w, h) of what is seen, in pixels of the photograph, and by how many degrees it is turned."""
    share = move.shares[0] ** (1 - way) * move.shares[1] ** way
    size = part * share
    room = np.array([shape[1], shape[0]]) - part * max(move.shares)
    place = np.array(move.begin) * (1 - way) + np.array(move.end) * way
    middle = np.array([shape[1], shape[0]]) / 2 + (place - 0.5) * room * 0.8 + shake[:2] * size.min()
    return middle, size, move.tilt + float(np.degrees(shake[2])) * 0.5


def _seen(
    photo: NDArray[np.uint8], view: tuple[Numbers, Numbers, float], width: int, height: int
) -> NDArray[np.float32]:
    middle, size, degrees = view
    fine = np.array([width, height]) * _FINE
    turn = np.radians(degrees)
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    # From places of the fine frame to places of the photograph; both count from the middle of their first pixel.
    matrix = turned * (size / fine)
    shift = middle - 0.5 - matrix @ ((fine - 1) / 2)
    warped = cv2.warpAffine(
        photo,
        np.column_stack([matrix, shift]),
        (int(fine[0]), int(fine[1])),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    return np.asarray(cv2.resize(warped, (width, height), interpolation=cv2.INTER_AREA), np.float32)


def _exposed(light: NDArray[np.float32], noise: float, random: Random) -> NDArray[np.uint8]:
    """Levels with a sensor's noise: that of light itself grows with its root, a fifth of it is there in the dark too."""
    deviation = noise * np.sqrt(0.2 + 0.8 * light / 128)
    noisy = light + random.standard_normal(light.shape, np.float32) * deviation
    return np.asarray(np.clip(noisy.round(), 0, 255), np.uint8)
