"""Covers of titles: copies of AniList's pictures, fetched by a worker and shown from here.

A page that showed AniList's own addresses would tell AniList who reads what, and our content policy has no room for
other hosts. So a worker fetches the covers of the titles that are indexed, all of them, whether or not anybody looks
at them: nothing that a visitor does makes this server ask for one.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.cache import cache
from django.db.models import Exists, OuterRef
from PIL import Image

from anime_search.engine.image import ImageError, ImageLimits, decode_image
from anime_search.models import Anime, Video
from core.fetch_errors import FetchError
from core.safe_http import FetchPolicy, fetch

log = logging.getLogger(__name__)

#: AniList's largest are 460 by 650 pixels and below 1 MB.
LIMITS: Final = ImageLimits(max_bytes=8 * 1024 * 1024, max_pixels=25_000_000, working_side=480)
DEADLINE_S: Final = 10.0
#: Covers of one run; the next comes a minute later.
MOST_A_RUN: Final = 20
#: A run ends after so many that could not be had one after the other: the host, or the network, is away.
MOST_FAILURES: Final = 3
#: Seconds that no run tries anything then.
AWAY_S: Final = 15 * 60
#: Seconds until a cover that could not be had is tried again.
RETRY_S: Final = 6 * 3600
QUALITY: Final = 82
_AWAY_KEY: Final = "covers:away"


def cover_file(anime: Anime) -> Path | None:
    """The copy of a title's cover; None where there is none (yet)."""
    path = _folder() / _name(anime.anilist_id, anime.cover_url)
    return path if anime.cover_url and path.is_file() else None


def fetch_covers() -> int:
    """Fetch some of the covers that are wanted and not there, and remove those that are not wanted any more.

    Returns:
        How many were fetched.
    """
    if not settings.ANIME_COVERS or cache.get(_AWAY_KEY) is not None:
        return 0
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    indexed = Anime.objects.filter(Exists(Video.objects.filter(anime=OuterRef("pk")))).exclude(cover_url="")
    wanted = {_name(*facts): facts[1] for facts in indexed.values_list("anilist_id", "cover_url")}
    there = {path.name for path in folder.glob("*.webp")}
    for name in there - wanted.keys():
        (folder / name).unlink(missing_ok=True)
    fetched = failures = 0
    for name in sorted(wanted.keys() - there):
        if cache.get(f"cover-failed:{name}") is not None:
            continue
        if _fetch(wanted[name], folder / name):
            fetched, failures = fetched + 1, 0
        else:
            cache.set(f"cover-failed:{name}", True, timeout=RETRY_S)
            failures += 1
        if failures >= MOST_FAILURES:
            cache.set(_AWAY_KEY, True, timeout=AWAY_S)
        if fetched >= MOST_A_RUN or failures >= MOST_FAILURES:
            break
    return fetched


def _fetch(url: str, path: Path) -> bool:
    policy = FetchPolicy(
        max_bytes=LIMITS.max_bytes,
        deadline_s=DEADLINE_S,
        allowed_networks=settings.FETCH_ALLOWED_NETWORKS,
        user_agent="Mozilla/5.0 (compatible; Frameproof)",
    )
    try:
        picture = decode_image(fetch(url, policy=policy).body, LIMITS)
    except (FetchError, ImageError) as error:
        log.warning("the cover at %s cannot be had: %s", url, error)
        return False
    part = path.with_suffix(".part")
    Image.fromarray(picture.rgb).save(part, "WEBP", quality=QUALITY)
    part.replace(path)
    return True


def _folder() -> Path:
    return Path(settings.DATA_DIR) / "covers"


def _name(anilist_id: int, url: str) -> str:
    """Another name for another picture: a cover that AniList replaces is fetched anew."""
    return f"{anilist_id}-{hashlib.sha256(url.encode()).hexdigest()[:16]}.webp"
