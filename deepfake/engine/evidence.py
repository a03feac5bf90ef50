"""On what grounds: which frames, and which parts of them, weighed how much."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake.engine.verdict import Box, Region

#: Regions that are told of one frame.
MOST_REGIONS = 3
#: Parts that add less than this share of what the strongest part adds belong to no region.
_OF_STRONGEST = 0.5


def regions_of(heat: NDArray[np.float32], seen: Box) -> tuple[Region, ...]:
    """The parts of a frame that weighed most, heaviest first.

    Args:
        heat: (gh, gw) what each part of the model's view adds; what is below 0 speaks against and is left out.
        seen: the part of the frame that is the model's view.
    """
    added = np.maximum(heat, 0)
    total = float(added.sum())
    if total <= 0:
        return ()
    strong = (added >= _OF_STRONGEST * added.max()).astype(np.uint8)
    if strong.all():
        # Everywhere is nowhere.
        return ()
    count, labels, stats, _ = cv2.connectedComponentsWithStats(strong, connectivity=4)
    rows, columns = added.shape
    regions = [
        Region(
            Box(
                round(seen.left + seen.width * float(stats[label, cv2.CC_STAT_LEFT]) / columns, 4),
                round(seen.top + seen.height * float(stats[label, cv2.CC_STAT_TOP]) / rows, 4),
                round(seen.width * float(stats[label, cv2.CC_STAT_WIDTH]) / columns, 4),
                round(seen.height * float(stats[label, cv2.CC_STAT_HEIGHT]) / rows, 4),
            ),
            round(float(added[labels == label].sum()) / total, 4),
        )
        for label in range(1, count)
    ]
    return tuple(sorted(regions, key=lambda region: -region.weight)[:MOST_REGIONS])
