"""The search as the surfaces call it."""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from celery.exceptions import TimeoutError as NoAnswer
from django.conf import settings
from django.core.cache import cache
from kombu.exceptions import OperationalError
from numpy.typing import NDArray

from accounts.principal import Principal
from anime_search import runtime
from anime_search.engine.image import ImageError, ImageFault, Picture, decode_image
from anime_search.engine.index.snapshot import Snapshot
from anime_search.engine.search import Scene, SceneSearcher, SearchOutcome
from anime_search.errors import (
    ImageEmpty,
    ImageTooLarge,
    ImageTooManyPixels,
    ImageUndecodable,
    IndexUnavailable,
    SearchTimedOut,
)
from anime_search.selectors import Candidate, candidates_of, videos_of_anime
from anime_search.shots import in_shots
from anime_search.signals import scene_found, search_ended
from core.errors import DomainError, Unavailable

_FAULTS: dict[ImageFault, type[DomainError]] = {
    ImageFault.EMPTY: ImageEmpty,
    ImageFault.TOO_LARGE: ImageTooLarge,
    ImageFault.TOO_MANY_PIXELS: ImageTooManyPixels,
    ImageFault.UNSUPPORTED: ImageUndecodable,
    ImageFault.UNDECODABLE: ImageUndecodable,
}


@dataclass(frozen=True, slots=True)
class DescribedQuery:
    """What a picture was described by: not the picture, which cannot be made from it.

    Attributes:
        descriptor: that made it.
        vector: of the picture as it was sent, as 16-bit floats, lowest byte first.
    """

    descriptor: str
    vector: bytes


Pixels = NDArray[np.uint8]

#: Seconds that a search's answer is given again to whoever asks the same.
REMEMBERED_S = 3600


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """What a search found.

    Attributes:
        candidates: best first.
        confident: whether the first is called a match.
        frames: frame runs in the index.
        timings_ms: milliseconds by stage.
        search_id: of this search; nobody can guess it.
        times_asked: how often the same was asked of the same index lately, this time among them; from the
            second time on the answer is the one that was found the first time.
        asked_frames: frames of a clip that were asked about; 0 for a picture.
    """

    candidates: list[Candidate]
    confident: bool
    frames: int
    timings_ms: dict[str, float]
    search_id: str = ""
    times_asked: int = 1
    asked_frames: int = 0


def read_image(data: bytes) -> Picture:
    """Decode what a caller sent.

    Raises:
        ImageEmpty, ImageTooLarge, ImageTooManyPixels, ImageUndecodable: it cannot be searched.
    """
    try:
        return decode_image(data, runtime.IMAGE_LIMITS)
    except ImageError as error:
        raise _FAULTS[error.reason] from error


def search_scenes(
    *, principal: Principal, image: bytes, limit: int = 5, anilist_id: int | None = None
) -> SearchAnswer:
    """Find the scenes that a picture may be from, by a worker on the ``search`` queue.

    Args:
        principal: on whose behalf.
        image: the bytes of a picture in any known format.
        limit: candidates at most.
        anilist_id: look in this title only.

    Raises:
        ImageEmpty, ImageTooLarge, ImageTooManyPixels, ImageUndecodable: the picture cannot be searched.
        IndexUnavailable, SearchTimedOut, Unavailable: the service is out of order for now.
    """
    from anime_search.tasks import search

    started = time.perf_counter()
    picture = read_image(image)
    decoded = time.perf_counter()
    videos = None if anilist_id is None else sorted(videos_of_anime(anilist_id=anilist_id))
    laid_down = {
        "rgb": picture.rgb.tobytes(),
        "shape": picture.rgb.shape,
        "flat": picture.flat,
        "limit": limit,
        "videos": videos,
    }
    return ask_worker(
        search,
        Scene,
        principal=principal,
        laid_down=laid_down,
        decode_ms=1000 * (decoded - started),
    )


def ask_worker(
    task: Any, kind: type[Scene], *, principal: Principal, laid_down: dict[str, Any], decode_ms: float
) -> SearchAnswer:
    """Have a worker answer what is laid down in the cache under an id, which is all that the task is told.

    Args:
        kind: of the scenes that it answers with; plain ones are told as the shots they are of.
        decode_ms: what reading the media took, to be told with the rest.

    Raises:
        IndexUnavailable, SearchTimedOut, Unavailable: the service is out of order for now.
    """
    started = time.perf_counter()
    search_id = secrets.token_urlsafe(16)
    try:
        found = _found_by(task, search_id, laid_down)
    except Unavailable:
        _tell_ended(decode_ms + 1000 * (time.perf_counter() - started), answered=False)
        raise
    answered = time.perf_counter()
    scenes = [kind.of(scene) for scene in found["scenes"]]
    candidates = candidates_of(scenes)
    # The scene that the worker was sure of may be of a video that was deleted since.
    confident = found["confident"] and [candidate.scene for candidate in candidates[:1]] == scenes[:1]
    if kind is Scene:
        candidates = in_shots(candidates)
    answer = SearchAnswer(
        candidates=candidates,
        confident=confident,
        frames=found["frames"],
        timings_ms={
            "decode": decode_ms,
            **found["timings_ms"],
            "worker": 1000 * (answered - started),
            "total": decode_ms + 1000 * (time.perf_counter() - started),
        },
        search_id=search_id,
        times_asked=found.get("times_asked", 1),
        asked_frames=found.get("asked", 0),
    )
    _tell_ended(answer.timings_ms["total"], answered=True)
    if candidates:
        scene_found.send_robust(sender=SearchAnswer, principal=principal, answer=answer)
    return answer


def _tell_ended(elapsed_ms: float, *, answered: bool) -> None:
    search_ended.send_robust(sender=SearchAnswer, elapsed_ms=elapsed_ms, answered=answered)


def _found_by(task: Any, search_id: str, laid_down: dict[str, Any]) -> dict[str, Any]:
    """What the worker says.

    Raises:
        IndexUnavailable, SearchTimedOut, Unavailable: the service is out of order for now.
    """
    deadline_s = settings.ANIME_SEARCH_DEADLINE_S
    try:
        cache.set(_cache_key(search_id), laid_down, timeout=deadline_s)
        pending = task.apply_async(args=[search_id], expires=deadline_s)
        try:
            found: dict[str, Any] = pending.get(
                timeout=deadline_s, interval=0.005, disable_sync_subtasks=False
            )
        finally:
            pending.forget()
    except NoAnswer as error:
        raise SearchTimedOut from error
    except _broker_errors() as error:
        raise Unavailable from error
    except RuntimeError as error:
        # Celery's way of saying that Redis, where the answers are, is not there.
        if isinstance(error.__cause__, _broker_errors()):
            raise Unavailable from error
        raise
    if found.get("unavailable"):
        raise IndexUnavailable
    return found


def take_up(*, search_id: str) -> dict[str, Any] | None:
    """What was laid down for a worker, once; None where it is gone."""
    laid_down: dict[str, Any] | None = cache.get(_cache_key(search_id))
    if laid_down is not None:
        cache.delete(_cache_key(search_id))
    return laid_down


def answer_search(*, search_id: str) -> dict[str, Any]:
    """The worker's part of :func:`search_scenes`: plain values that travel as JSON."""
    laid_down = take_up(search_id=search_id)
    if laid_down is None:
        return {"unavailable": True}
    rgb = np.frombuffer(laid_down["rgb"], np.uint8).reshape(laid_down["shape"])
    videos = laid_down["videos"]
    try:
        return _find_or_remember(
            rgb,
            flat=laid_down["flat"],
            limit=laid_down["limit"],
            videos=None if videos is None else frozenset(videos),
            search_id=search_id,
        )
    except IndexUnavailable:
        return {"unavailable": True}


def described_query(*, search_id: str) -> DescribedQuery | None:
    """What the picture of a search was described by; None of a clip, and once it is forgotten."""
    known: DescribedQuery | None = cache.get(f"query:{search_id}")
    return known


def _find_or_remember(
    rgb: Pixels, *, flat: bool, limit: int, videos: frozenset[str] | None, search_id: str
) -> dict[str, Any]:
    """What is like a picture, by the feature that was extracted from it: the same is looked up once an index.

    Raises:
        IndexUnavailable: there is no index that is whole.
    """
    snapshot, searcher = _at_hand()
    query = searcher.describe(rgb, flat=flat)
    described = DescribedQuery(
        snapshot.manifest.geometry.descriptor, query.vectors[0].astype("<f2").tobytes()
    )
    cache.set(f"query:{search_id}", described, timeout=REMEMBERED_S)
    scope = ["all"] if videos is None else ["of", *sorted(videos)]
    asked = hashlib.sha256(
        "\n".join([query.feature, str(snapshot.number), str(limit), *scope]).encode()
    ).hexdigest()
    if (known := cache.get(f"found:{asked}")) is not None:
        return {**known, "times_asked": _count_again(asked), "timings_ms": query.timings_ms}
    outcome = asdict(searcher.find(query, snapshot, limit=limit, videos=videos))
    cache.set(f"found:{asked}", outcome, timeout=REMEMBERED_S)
    cache.set(f"asked:{asked}", 1, timeout=REMEMBERED_S)
    return {**outcome, "times_asked": 1}


def _at_hand() -> tuple[Snapshot, SceneSearcher]:
    """The index of this process, and the search by the descriptor that made it.

    Raises:
        IndexUnavailable: there is no index that is whole.
    """
    snapshot = runtime.index().snapshot()
    return snapshot, runtime.searcher(snapshot.manifest.geometry.descriptor)


def _count_again(asked: str) -> int:
    try:
        return int(cache.incr(f"asked:{asked}"))
    except ValueError:
        # Its time was over a moment before that of the answer.
        cache.set(f"asked:{asked}", 2, timeout=REMEMBERED_S)
        return 2


def search_picture(*, rgb: Pixels, flat: bool, limit: int, videos: frozenset[str] | None) -> SearchOutcome:
    """Search the index of this process: what workers and the command line stand on.

    Raises:
        IndexUnavailable: there is no index that is whole.
    """
    snapshot, searcher = _at_hand()
    return searcher.search(rgb, snapshot, limit=limit, videos=videos, flat=flat)


def _broker_errors() -> tuple[type[Exception], ...]:
    """Asked for when something was raised: redis is slow to import, and the command line needs none."""
    from redis.exceptions import RedisError

    return (OperationalError, RedisError, ConnectionError)


def _cache_key(search_id: str) -> str:
    return f"search:{search_id}"
