"""The screenshot that ``manage.py anime_demo`` searches, put to an exact index of its clip."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from anime_search.demo import CLIP, DemoMissing, demo_videos, take_screenshot
from anime_search.engine.descriptor import DctDescriptor
from anime_search.engine.image import ImageLimits, decode_image
from anime_search.engine.track import make_track
from anime_search.engine.video import VideoLimits
from anime_search.engine.views import query_views
from benchmarks.trials import QUERY_SIDE
from benchmarks.virtual import RATE_HZ


def demo_cosine() -> float | None:
    """Cosine of its best frame over all views; None where the ``demo`` extra is not installed."""
    with tempfile.TemporaryDirectory() as temporary:
        try:
            clip = demo_videos(Path(temporary)) / CLIP
        except DemoMissing:
            return None
        track = make_track(
            clip, video="0" * 64, descriptor=DctDescriptor(), rate_hz=RATE_HZ, limits=VideoLimits()
        )
        picture = decode_image(take_screenshot(clip).jpeg, ImageLimits(working_side=QUERY_SIDE))
    views = np.stack([view.rgb for view in query_views(picture.rgb)])
    return float((DctDescriptor().describe(views) @ track.descriptors.astype(np.float32).T).max())
