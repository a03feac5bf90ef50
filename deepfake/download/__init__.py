"""Getting the video behind an address, by yt-dlp or straight, in a child process that can reach public hosts only."""

from __future__ import annotations

from deepfake.download.videos import GotVideo, get_video

__all__ = ["GotVideo", "get_video"]
