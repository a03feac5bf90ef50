"""The screenshot that ``manage.py anime_demo`` searches, put to an index of its clip."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from anime_search.demo import CLIP, DemoMissing, demo_videos, take_screenshot
from anime_search.engine.descriptor import Descriptor
from anime_search.engine.image import ImageLimits, decode_image
from anime_search.engine.judging import Judged
from anime_search.engine.search import SceneSearcher
from anime_search.engine.verify import Verification
from benchmarks.collection import Item
from benchmarks.evidence import impartial
from benchmarks.queries import Clip
from benchmarks.scene_index import build_index
from benchmarks.trials import QUERY_SIDE


@dataclass(frozen=True, slots=True)
class Screenshot:
    """How its best candidate compares: the cosine and, where there was a stored picture, the verification."""

    cosine: float
    seen: Verification | None


def demo_screenshot(descriptor: Descriptor) -> Screenshot | None:
    """Of the first stage of its search; None where the ``demo`` extra is not installed."""
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        try:
            path = demo_videos(work / "demo") / CLIP
        except DemoMissing:
            return None
        clip = Clip(Item(path, path.stem), path.stem, path.stem)
        index = build_index([clip], [], work, descriptor, with_layouts=False)
        stages: list[Sequence[Judged]] = []
        searcher = SceneSearcher(
            descriptor, impartial(descriptor.name), thumbnails=index.thumbnails, on_judged=stages.append
        )
        picture = decode_image(take_screenshot(path).jpeg, ImageLimits(working_side=QUERY_SIDE))
        searcher.search(picture.rgb, index.snapshot, limit=1, flat=picture.flat)
    best = stages[0][0]
    return Screenshot(best.hit.score, best.verification)
