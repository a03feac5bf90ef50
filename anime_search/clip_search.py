"""The search by a clip: its frames are searched one by one, and find the scene together."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from accounts.principal import Principal
from anime_search.engine.moving import MovingPicture, Still
from anime_search.engine.search import Scene
from anime_search.engine.sightings import AskedFrame, sightings_of
from anime_search.engine.similarity import similarity_of
from anime_search.engine.votes import VotedScene, vote
from anime_search.errors import IndexUnavailable
from anime_search.selectors import videos_of_anime
from anime_search.services import SearchAnswer, ask_worker, search_picture, search_scenes, take_up
from anime_search.uploads import moving_of

#: Scenes that are asked of the index for each frame: the right one need not be the first.
SCENES_A_FRAME = 10


@dataclass(frozen=True, slots=True)
class ClipScene(Scene):
    """A scene that a clip may show: ``at_s`` is the time in the video of the clip's first frame.

    Attributes:
        agreeing: frames of the clip that were seen where this scene has them.
        speed: seconds of video in a second of the clip.
    """

    agreeing: int = 0
    speed: float = 1.0


@dataclass(frozen=True, slots=True)
class ClipOutcome:
    """What a clip found, best first.

    Attributes:
        confident: whether the first is called a match.
        asked: frames that were searched.
        frames: runs of frames in the index.
        timings_ms: milliseconds by stage, of all frames together.
    """

    scenes: tuple[ClipScene, ...]
    confident: bool
    asked: int
    frames: int
    timings_ms: dict[str, float]


def search_media(
    *, principal: Principal, media: bytes, limit: int = 5, anilist_id: int | None = None
) -> SearchAnswer:
    """Find the scenes that a picture, or a clip, may be from.

    An animation or a video is a clip, however little moves in it; what is neither is read as a picture.

    Raises:
        DomainError: as :func:`search_clip` and :func:`~anime_search.services.search_scenes`.
    """
    started = time.perf_counter()
    clip = moving_of(media)
    if clip is None:
        return search_scenes(principal=principal, image=media, limit=limit, anilist_id=anilist_id)
    decode_ms = 1000 * (time.perf_counter() - started)
    return search_clip(
        principal=principal, clip=clip, limit=limit, anilist_id=anilist_id, decode_ms=decode_ms
    )


def search_clip(
    *,
    principal: Principal,
    clip: MovingPicture,
    limit: int = 5,
    anilist_id: int | None = None,
    decode_ms: float = 0.0,
) -> SearchAnswer:
    """Find the scenes that a clip may show, by a worker on the ``search`` queue: one search, however many frames.

    Answers are not kept to be given again.

    Args:
        principal: on whose behalf.
        clip: its frames.
        limit: candidates at most; their scenes are of :class:`ClipScene`.
        anilist_id: look in this title only.
        decode_ms: what reading the clip took, to be told with the rest.

    Raises:
        IndexUnavailable, SearchTimedOut, Unavailable: the service is out of order for now.
    """
    from anime_search.tasks import search_clip as task

    laid_down = {
        "stills": [
            {"time_s": still.time_s, "rgb": still.rgb.tobytes(), "shape": still.rgb.shape, "flat": still.flat}
            for still in clip.stills
        ],
        "length_s": clip.length_s,
        "limit": limit,
        "videos": None if anilist_id is None else sorted(videos_of_anime(anilist_id=anilist_id)),
    }
    return ask_worker(task, ClipScene, principal=principal, laid_down=laid_down, decode_ms=decode_ms)


def answer_clip(*, search_id: str) -> dict[str, Any]:
    """The worker's part of :func:`search_clip`: plain values that travel as JSON."""
    laid_down = take_up(search_id=search_id)
    if laid_down is None:
        return {"unavailable": True}
    videos = laid_down["videos"]
    stills = [
        Still(still["time_s"], np.frombuffer(still["rgb"], np.uint8).reshape(still["shape"]), still["flat"])
        for still in laid_down["stills"]
    ]
    try:
        outcome = find_clip(
            MovingPicture(tuple(stills), laid_down["length_s"]),
            limit=laid_down["limit"],
            videos=None if videos is None else frozenset(videos),
        )
    except IndexUnavailable:
        return {"unavailable": True}
    return asdict(outcome)


def find_clip(clip: MovingPicture, *, limit: int, videos: frozenset[str] | None) -> ClipOutcome:
    """Search the index of this process for a clip: what workers and the command line stand on.

    Raises:
        IndexUnavailable: there is no index that is whole.
    """
    asked: list[AskedFrame] = []
    timings_ms: dict[str, float] = {}
    in_index = 0
    for still in clip.stills:
        outcome = search_picture(
            rgb=still.rgb, flat=still.flat, limit=max(SCENES_A_FRAME, limit), videos=videos
        )
        asked.append(AskedFrame(still.time_s, () if still.flat else sightings_of(outcome)))
        in_index = outcome.frames
        for stage, ms in outcome.timings_ms.items():
            timings_ms[stage] = timings_ms.get(stage, 0.0) + ms
    started = time.perf_counter()
    verdict = vote(asked, length_s=clip.length_s, limit=limit)
    timings_ms["vote"] = 1000 * (time.perf_counter() - started)
    return ClipOutcome(
        scenes=tuple(_scene(voted) for voted in verdict.scenes),
        confident=verdict.confident,
        asked=len(asked),
        frames=in_index,
        timings_ms=timings_ms,
    )


def agreeing_frames(scene: Scene) -> int:
    """How many frames of the clip that was asked about agree with a scene; 0 where that was a picture."""
    return scene.agreeing if isinstance(scene, ClipScene) else 0


def _scene(voted: VotedScene) -> ClipScene:
    return ClipScene(
        video=voted.video,
        from_s=voted.from_s,
        at_s=voted.at_s,
        to_s=voted.to_s,
        similarity=similarity_of(voted.log_odds),
        probability=voted.probability,
        view=voted.view,
        is_match=voted.is_match,
        also=voted.also,
        agreeing=voted.agreeing,
        speed=voted.speed,
    )
