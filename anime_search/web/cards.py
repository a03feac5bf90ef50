"""A candidate as its card shows it: everything in words, nothing left for the template to compute."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.principal import Principal
from anime_search.clip_search import agreeing_frames
from anime_search.engine.episode import VideoKind
from anime_search.engine.search import Scene
from anime_search.film import sign_scene
from anime_search.matches import sign_match
from anime_search.models import Video
from anime_search.previews import WIDTHS, Moment, sign_moment
from anime_search.selectors import Candidate
from anime_search.services import SearchAnswer
from anime_search.titles import other_titles, reader_title
from anime_search.web.places import also_in

#: Length of the line that shows where in the video a scene is, in units of its drawing.
TIMELINE = 1000
#: A scene is drawn at least this long, to be seen at all.
TIMELINE_LEAST = 8


class Band(StrEnum):
    """How sure the search is of a candidate."""

    MATCH = "match"
    LIKELY = "likely"
    UNLIKELY = "unlikely"


@dataclass(frozen=True, slots=True)
class Card:
    """One candidate.

    Attributes:
        title: in the reader's language, where that is known.
        other_titles: in other languages, without the one that is shown.
        episode: season, kind and number in words; empty where nothing is known.
        at, from_, to, duration: times in the video as ``m:ss.cc`` or ``h:mm:ss.cc``.
        similarity: in percent.
        recognised: what had been done to the picture.
        also_in: other places that show the very same.
        agreeing: how many frames of a clip agree, in words; empty for a picture.
        images: width in pixels and address of the matched frame, narrowest first; none where its video is gone.
        image_height: of the frame at the second of these widths, so that nothing moves when it arrives.
        clip: address of the scene as a small clip without sound; empty where its video is gone, and of what is for
            adults, which never plays by itself.
        larger: address of the page that shows the scene in large; empty where its video is gone.
        match: what a judgement of this card names it by; empty for those who did not search.
        elsewhere: name and address of pages about the title, see :attr:`.models.Anime.pages`.
        anilist_id: of the title, where it is known.
        line_from, line_length, line_at: the scene on a line of :data:`TIMELINE` units.
    """

    title: str
    other_titles: tuple[str, ...]
    is_adult: bool
    filename: str
    episode: str
    at: str
    from_: str
    to: str
    duration: str
    similarity: str
    band: Band
    band_text: str
    recognised: tuple[str, ...]
    also_in: tuple[str, ...]
    agreeing: str
    images: tuple[tuple[int, str], ...]
    image_height: int
    clip: str
    larger: str
    line_from: int
    line_length: int
    line_at: int
    elsewhere: tuple[tuple[str, str], ...]
    anilist_id: int | None
    match: str


def cards_of(answer: SearchAnswer, *, principal: Principal | None) -> list[Card]:
    """The cards of an answer, best first, for whoever searched; for somebody else where no principal is given."""
    return [
        _card(
            candidate,
            confident=answer.confident,
            asked_frames=answer.asked_frames,
            match=sign_match(principal=principal, answer=answer, position=position) if principal else "",
        )
        for position, candidate in enumerate(answer.candidates)
    ]


def _card(candidate: Candidate, *, confident: bool, asked_frames: int, match: str) -> Card:
    anime, video, scene = candidate.anime, candidate.video, candidate.scene
    # Where only the number of a title is known, its path says more.
    title = reader_title(anime) if anime and anime.display_title else candidate.title
    is_adult = bool(anime and anime.is_adult)
    band = band_of(scene, confident=confident)
    # A video of a shared result that is not here any more has no key.
    moment = Moment(video.pk, round(scene.at_s * 1000)) if video.pk else None
    start, at, end = (_on_line(time_s, video) for time_s in (scene.from_s, scene.at_s, scene.to_s))
    return Card(
        title=title,
        other_titles=other_titles(anime, title) if anime else (),
        is_adult=is_adult,
        filename=video.filename,
        episode=episode_text(video),
        at=time_text(scene.at_s),
        from_=time_text(scene.from_s),
        to=time_text(scene.to_s),
        duration=time_text(video.duration_ms / 1000),
        # Rounded down: only the very same picture is 100 % similar.
        similarity=f"{math.floor(scene.similarity * 1000) / 10:.1f}%",
        band=band,
        band_text=_band_text(band),
        # What seems to have been done to a picture that matches nothing is nothing to tell.
        recognised=() if band is Band.UNLIKELY else recognised(scene.view),
        also_in=also_in(candidate, time_text),
        agreeing=_agreeing_text(agreeing_frames(scene), asked_frames),
        images=() if moment is None else image_addresses(moment),
        image_height=picture_height(video, WIDTHS["m"]),
        clip="" if moment is None or is_adult else clip_address(moment),
        larger="" if moment is None else reverse("scene", args=[sign_scene(moment)]),
        line_from=max(0, min(start, TIMELINE - TIMELINE_LEAST)),
        line_length=max(TIMELINE_LEAST, end - start),
        line_at=at,
        elsewhere=anime.pages if anime else (),
        anilist_id=anime.anilist_id if anime else None,
        match=match,
    )


def band_of(scene: Scene, *, confident: bool) -> Band:
    """The band of a candidate: by its probability, and no match where the search itself found none."""
    if confident and scene.is_match:
        return Band.MATCH
    return Band.LIKELY if scene.probability >= 0.5 else Band.UNLIKELY


def _agreeing_text(agreeing: int, asked: int) -> str:
    if not asked:
        return ""
    words = ngettext(
        "%(agreeing)d of %(asked)d frame agrees", "%(agreeing)d of %(asked)d frames agree", asked
    )
    return words % {"agreeing": agreeing, "asked": asked}


def _band_text(band: Band) -> str:
    return {Band.MATCH: _("Match"), Band.LIKELY: _("Likely"), Band.UNLIKELY: _("Probably not")}[band]


def recognised(view: str) -> tuple[str, ...]:
    """What had been done to the picture, from the name of the view that matched; ``full`` says nothing."""
    words = {
        "mirrored": _("mirrored"),
        "borders_removed": _("borders removed"),
        "picture_in_screenshot": _("picture inside a screenshot"),
        "photo_of_screen": _("photo of a screen"),
        "padded": _("cropped"),
        "widened": _("sides cropped"),
    }
    return tuple(words.get(part, part.replace("_", " ")) for part in view.split("+") if part != "full")


def time_text(time_s: float) -> str:
    """A time as players write it, to the hundredth of a second: ``1:02:03.45``, ``2:03.45``."""
    minutes, hundredths = divmod(round(time_s * 100), 6000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{hundredths // 100:02d}.{hundredths % 100:02d}"
    return f"{hours}:{minutes:02d}:{seconds}" if hours else f"{minutes}:{seconds}"


def episode_text(video: Video) -> str:
    """Season, kind and number: ``Season 2, episode 5``, ``OVA 2``, ``Movie``."""
    alone, numbered = {
        VideoKind.EPISODE: (_("Episode"), _("Episode %(number)s")),
        VideoKind.MOVIE: (_("Movie"), _("Movie %(number)s")),
        VideoKind.OVA: (_("OVA"), _("OVA %(number)s")),
        VideoKind.SPECIAL: (_("Special"), _("Special %(number)s")),
        VideoKind.PREVIEW: (_("Preview"), _("Preview %(number)s")),
        VideoKind.OPENING: (_("Opening"), _("Opening %(number)s")),
        VideoKind.ENDING: (_("Ending"), _("Ending %(number)s")),
        VideoKind.UNKNOWN: ("", "%(number)s"),
    }[VideoKind(video.kind)]
    named = alone
    if video.episode is not None:
        last = "" if video.episode_end is None else f"–{video.episode_end:g}"
        named = numbered % {"number": f"{video.episode:g}{last}"}
        if video.episode_end is None and video.absolute_episode is not None:
            facts = {"episode": named, "number": f"{video.absolute_episode:g}"}
            named = _("%(episode)s (number %(number)s of all seasons)") % facts
    season = _("Season %(number)d") % {"number": video.season} if video.season else ""
    return " · ".join(part for part in (season, named) if part)


def image_addresses(moment: Moment) -> tuple[tuple[int, str], ...]:
    """Width in pixels and address of the frame of a moment, narrowest first."""
    address = reverse("scene-image", args=[sign_moment(moment)])
    return tuple((width, f"{address}?size={size}") for size, width in WIDTHS.items())


def clip_address(moment: Moment) -> str:
    """The scene of a moment, small and without sound."""
    return f"{reverse('scene-video', args=[sign_moment(moment)])}?size=m&mute"


def picture_height(video: Video, width: int) -> int:
    """Of a picture of a video at a width in pixels, so that nothing moves when it arrives."""
    return round(width * video.height / video.width) if video.width else width * 9 // 16


def _on_line(time_s: float, video: Video) -> int:
    share = 1000 * time_s / video.duration_ms if video.duration_ms else 0.0
    return round(TIMELINE * max(0.0, min(1.0, share)))
