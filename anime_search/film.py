"""The minute around a scene: its frames, and what plays from each of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from anime_search.clips import CachedFile, Passage, passage_of, scene_of, still_file_of
from anime_search.errors import PreviewGone
from anime_search.models import Video
from anime_search.previews import WIDTHS, Moment, open_token, sign_moment, video_at
from anime_search.selectors import playable_file

#: Seconds before and after the scene that are shown.
REACH_S: Final = 30.0
#: Frames of a whole minute, the scene's own in the middle.
MOST_FRAMES: Final = 13
#: Seconds between two frames, at least: those of a video of a few seconds would else be all alike.
LEAST_STEP_S: Final = 0.25
#: Seconds before a video's end at which its last frame is taken: a container's length is not exact to the frame.
END_MARGIN_S: Final = 0.2
#: Seconds that play from a frame.
PLAYED_S: Final = 10.0
#: Pixels of the larger picture.
WIDTH: Final = 960
#: What tells a scene's token from one of a still or clip.
_CONTEXT: Final = "film"


@dataclass(frozen=True, slots=True)
class Film:
    """A scene and the frames around it.

    Attributes:
        moment: the scene's.
        times_ms: of the frames, in milliseconds of the video.
        own: which of them is the scene's.
    """

    moment: Moment
    video: Video
    times_ms: tuple[int, ...]
    own: int


def sign_scene(moment: Moment) -> str:
    """The token of a scene's page, with the life of every preview's token.

    It opens the frames of one minute by their numbers, and none of these has a token of its own: nobody gets from one
    minute to the next, and so through a whole video, by what a page gives away.
    """
    return sign_moment(moment, context=_CONTEXT)


def open_film(token: str) -> Film:
    """The film of a scene's token.

    Raises:
        PreviewRefused, PreviewExpired: as :func:`anime_search.previews.open_token`.
        PreviewGone: the video is not there any more.
    """
    moment = open_token(token, context=_CONTEXT)
    video = video_at(moment.video_id, moment.at_ms / 1000)
    times_ms, own = _times_ms(moment.at_ms, video.duration_ms)
    return Film(moment, video, times_ms, own)


def open_playable_film(token: str) -> Film:
    """The same for a page, which has nothing to show without the video's file.

    Raises:
        PreviewRefused, PreviewExpired, PreviewGone: as :func:`open_film`; also where the file has gone or changed.
    """
    film = open_film(token)
    if playable_file(film.video) is None:
        raise PreviewGone
    return film


def passage_from(film: Film, number: int | None) -> Passage:
    """What plays from a frame; the scene itself where none is named.

    Raises:
        PreviewGone: the video's file is not there any more, or it has no frame of this number here.
    """
    if number is None:
        start_s, end_s = scene_of(film.moment)
    else:
        start_s = _time_ms(film, number) / 1000
        end_s = start_s + PLAYED_S
    return passage_of(video_id=film.moment.video_id, start_s=start_s, end_s=end_s, width=WIDTH, mute=False)


def frame_file(film: Film, number: int) -> CachedFile:
    """The picture of a frame.

    Raises:
        PreviewGone: as :func:`passage_from`.
        Unavailable: too many pictures are being cut or waited for, or the disk is full.
    """
    return still_file_of(Moment(film.moment.video_id, _time_ms(film, number)), width=WIDTHS["s"])


def _time_ms(film: Film, number: int) -> int:
    if number >= len(film.times_ms):
        raise PreviewGone
    return film.times_ms[number]


def _times_ms(at_ms: int, duration_ms: int) -> tuple[tuple[int, ...], int]:
    """Times of frames at equal distances, the scene's own among them, and which of them that is."""
    at_s = at_ms / 1000
    first_s = max(0.0, at_s - REACH_S)
    last_s = max(at_s, min(at_s + REACH_S, duration_ms / 1000 - END_MARGIN_S))
    step_s = max((last_s - first_s) / (MOST_FRAMES - 1), LEAST_STEP_S)
    # A hair more than the quotient, which may come out a hair less than it is.
    before = math.floor((at_s - first_s) / step_s + 1e-6)
    after = math.floor((last_s - at_s) / step_s + 1e-6)
    return tuple(at_ms + round(1000 * k * step_s) for k in range(-before, after + 1)), before
