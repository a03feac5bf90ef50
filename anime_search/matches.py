"""Matches that whoever searched may say something of: named by a token that the site made and does not keep."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.core import signing

from accounts.principal import Principal
from anime_search.errors import MatchRefused
from anime_search.services import SearchAnswer
from core import clock
from credits.services import subject_of

#: How long a search's matches may be judged: as long as the pictures beside them can be seen.
JUDGED_WITHIN: Final = timedelta(hours=24)
_SALT: Final = "anime_search.match:"


@dataclass(frozen=True, slots=True)
class JudgedMatch:
    """A candidate of a search, as far as it matters once the answer is gone.

    Attributes:
        position: among the candidates, from 0.
        found_s: when it was found, in seconds since 1970.
        anilist_id: None where the title is not known.
        view: what had been done to the picture.
        confident: whether the search itself was sure of its first candidate.
        asked_frames: of a clip; 0 for a picture.
    """

    search_id: str
    position: int
    found_s: int
    anilist_id: int | None
    video_id: int
    at_ms: int
    similarity: float
    probability: float
    view: str
    confident: bool
    asked_frames: int

    @property
    def found_at(self) -> datetime:
        return datetime.fromtimestamp(self.found_s, UTC)


def sign_match(*, principal: Principal, answer: SearchAnswer, position: int) -> str:
    """The token of a candidate, which only whoever searched can use."""
    candidate = answer.candidates[position]
    match = JudgedMatch(
        search_id=answer.search_id,
        position=position,
        found_s=int(clock.now().timestamp()),
        anilist_id=candidate.anime.anilist_id if candidate.anime else None,
        video_id=candidate.video.pk,
        at_ms=round(candidate.scene.at_s * 1000),
        similarity=round(candidate.scene.similarity, 5),
        probability=round(candidate.scene.probability, 5),
        view=candidate.scene.view,
        confident=answer.confident,
        asked_frames=answer.asked_frames,
    )
    return signing.dumps(astuple(match), salt=_salt(principal))


def open_match(*, principal: Principal, token: str) -> JudgedMatch:
    """Read a token.

    Raises:
        MatchRefused: it is none, somebody else's, or too old.
    """
    try:
        match = JudgedMatch(*signing.loads(token, salt=_salt(principal)))
    except signing.BadSignature:
        raise MatchRefused from None
    if clock.now() - match.found_at > JUDGED_WITHIN:
        raise MatchRefused
    return match


def _salt(principal: Principal) -> str:
    """In the key, and not in what is signed: the token says nothing of who searched."""
    return _SALT + subject_of(principal)
