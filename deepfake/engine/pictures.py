"""Frames that were looked at, small, for whoever wants to see what a verdict stands on."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake.engine.verdict import Box, FramePicture

#: Pixels of the longer side, and JPEG's quality: some 15 kB a picture.
LONG_SIDE = 320
_QUALITY = 80
#: How much of the frame the hottest part hides.
_MOST_COVER = 0.7


def pictures_of(
    frames: NDArray[np.uint8], heat: NDArray[np.float32] | None, seen: Box | None
) -> tuple[FramePicture, ...]:
    """A picture of each of (n, H, W, 3) uint8 RGB frames; an empty tuple where they cannot be written.

    Args:
        heat: (n, gh, gw) what each part of the model's view adds; what is below 0 speaks against and is left out.
        seen: the part of the frame that is the model's view.
    """
    height, width = frames.shape[1:3]
    scale = min(1.0, LONG_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = [cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames]
    plain = [_jpeg(picture) for picture in small]
    if not all(plain):
        return ()
    # One measure for all frames: a frame that hardly weighed must not glow.
    strongest = 0.0 if heat is None else float(heat.max(initial=0.0))
    if heat is None or seen is None or strongest <= 0:
        return tuple(map(FramePicture, plain))
    return tuple(
        FramePicture(written, _jpeg(_heated(picture, np.maximum(own, 0) / strongest, seen)))
        for written, picture, own in zip(plain, small, heat, strict=True)
    )


def _heated(picture: NDArray[np.uint8], shares: NDArray[np.float32], seen: Box) -> NDArray[np.uint8]:
    """A grey copy of a picture, with what is hot in it coloured from violet to yellow."""
    height, width = picture.shape[:2]
    left, top = round(seen.left * width), round(seen.top * height)
    right, bottom = round((seen.left + seen.width) * width), round((seen.top + seen.height) * height)
    cover = np.zeros((height, width), np.float32)
    inside = cv2.resize(
        shares.astype(np.float32),
        (max(1, right - left), max(1, bottom - top)),
        interpolation=cv2.INTER_LINEAR,
    )
    cover[top : top + inside.shape[0], left : left + inside.shape[1]] = inside[: height - top, : width - left]
    colours = cv2.cvtColor(
        cv2.applyColorMap((255 * cover).astype(np.uint8), cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB
    )
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    share = _MOST_COVER * np.sqrt(cover)[..., None]
    return (grey * (1 - share) + colours * share).astype(np.uint8)


def _jpeg(picture: NDArray[np.uint8]) -> bytes:
    done, data = cv2.imencode(
        ".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    )
    return data.tobytes() if done else b""
