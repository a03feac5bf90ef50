"""The hours of the clock, in UTC, in which figures are summed, and the buckets of how long searches took."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

HOUR_S: Final = 3600
MINUTES: Final = 60

#: Each bucket ends 10 % above the one before, so that no percentile is told more than that too long.
GROWTH: Final = 1.1
#: The last bucket begins after about a minute, beyond every deadline, and has no end.
LAST_BUCKET: Final = 116
#: In the place of a bucket: searches that had no answer.
FAILED: Final = -1


def hour_of(at: datetime) -> int:
    """The hour of a time, counted from 1970."""
    return int(at.timestamp()) // HOUR_S


def minute_of(at: datetime) -> int:
    """The minute of a time, counted from 1970."""
    return int(at.timestamp()) // MINUTES


def start_of(hour: int) -> datetime:
    """When an hour begins."""
    return datetime.fromtimestamp(hour * HOUR_S, UTC)


def bucket_of(elapsed_ms: float) -> int:
    """The bucket that a duration falls into: the first whose end is not before it."""
    if elapsed_ms <= 1:
        return 0
    return min(LAST_BUCKET, math.ceil(round(math.log(elapsed_ms, GROWTH), 6)))


def end_ms_of(bucket: int) -> float:
    """The longest duration of a bucket, in milliseconds."""
    return float(GROWTH**bucket)


def percentile_ms(counts: Mapping[int, int], share: float) -> float | None:
    """The duration that this share of what was counted did not exceed, rounded up to the end of its bucket.

    Args:
        counts: of each bucket.
        share: above 0, at most 1.

    Returns:
        Milliseconds; None where nothing was counted.
    """
    total = sum(counts.values())
    wanted = math.ceil(round(share * total, 6))
    seen = 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if counts[bucket] and seen >= wanted:
            return end_ms_of(bucket)
    return None
