"""One frame of a video file as a picture."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from video.faults import VideoFault
from video.frame import shown_size, upright_rgb
from video.reader import VideoError, VideoLimits, VideoReader

#: Changes with whatever changes the bytes of a still: part of the key of caches.
STILL_VERSION = "jpeg-1"

#: Seconds of video that are decoded at most to come from a keyframe to the time asked for.
LONGEST_GROUP_S = 30.0


def still_at(path: Path, time_s: float, *, width: int, limits: VideoLimits) -> bytes:
    """The frame that is on screen at ``time_s``, as JPEG of at most ``width`` pixels, in its display aspect.

    Raises:
        VideoError: the file is broken, or has nothing at that time.
    """
    with VideoReader(path, limits) as reader:
        frame = reader.frame_at(time_s, LONGEST_GROUP_S)
        rgb = _reduced(frame, width, reader.display_aspect)
    encoded, jpeg = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85])
    if not encoded:
        raise VideoError(VideoFault.DAMAGED)
    return jpeg.tobytes()


def _reduced(frame: VideoFrame, most: int, aspect: float) -> NDArray[np.uint8]:
    """A frame at most ``most`` pixels wide as it is shown, and no larger than it is stored."""
    try:
        return upright_rgb(VideoReformatter(), frame, *shown_size(frame, aspect, most=most))
    except (av.FFmpegError, ValueError) as error:
        raise VideoError(VideoFault.DAMAGED) from error
