"""Why a video file cannot be indexed; apart from the decoding, whose libraries take long to load."""

from __future__ import annotations

from enum import StrEnum


class VideoFault(StrEnum):
    """Why a file cannot be indexed."""

    UNREADABLE = "unreadable"
    NO_VIDEO = "no_video"
    NO_FRAMES = "no_frames"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    TOO_LARGE = "too_large"
