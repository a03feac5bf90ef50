"""Where else the same scene is shown, in words: an opening is in every episode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from anime_search.selectors import Candidate, Elsewhere

TimeText = Callable[[float], str]

#: Episodes in which a scene comes at the same second, give or take this many, are named together.
_SAME_TIME_S = 1.0
#: Places that are named, at most.
_MOST = 4


def also_in(candidate: Candidate, time_text: TimeText) -> tuple[str, ...]:
    """Other places of a scene, in the order of their episodes: ``episodes 2–12 at 0:31``, ``Special.mkv at 1:02``.

    Args:
        time_text: writes seconds as the page does.
    """
    numbered = sorted(
        (other for other in candidate.also if _is_episode_of(candidate, other)),
        key=lambda other: (other.place.at_s // _SAME_TIME_S, _number(other)),
    )
    texts = [_run_text(run, time_text) for run in _runs(numbered)]
    texts += [
        _("%(file)s at %(time)s") % {"file": other.video.filename, "time": time_text(other.place.at_s)}
        for other in candidate.also
        if not _is_episode_of(candidate, other)
    ]
    left = len(texts) - _MOST
    if left <= 0:
        return tuple(texts)
    return (*texts[:_MOST], ngettext("%(count)d more place", "%(count)d more places", left) % {"count": left})


def _is_episode_of(candidate: Candidate, other: Elsewhere) -> bool:
    """Whether its number says enough: it is of the same title and season."""
    same = (
        other.video.title == candidate.video.title
        and other.video.season == candidate.video.season
        and other.video.anime_id == candidate.video.anime_id
    )
    return same and other.video.episode is not None


def _number(other: Elsewhere) -> float:
    return other.video.episode if other.video.episode is not None else 0.0


def _runs(places: Sequence[Elsewhere]) -> list[list[Elsewhere]]:
    """Episodes that follow each other, with the scene at the same time."""
    runs = [[place] for place in places[:1]]
    for before, place in pairwise(places):
        follows = _number(place) - _number(before) in (0.0, 1.0)
        if follows and abs(place.place.at_s - runs[-1][0].place.at_s) <= _SAME_TIME_S:
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs


def _run_text(run: Sequence[Elsewhere], time_text: TimeText) -> str:
    first, last = _number(run[0]), _number(run[-1])
    time = time_text(run[0].place.at_s)
    if first == last:
        return _("episode %(number)s at %(time)s") % {"number": f"{first:g}", "time": time}
    return _("episodes %(first)s–%(last)s at %(time)s") % {
        "first": f"{first:g}",
        "last": f"{last:g}",
        "time": time,
    }
