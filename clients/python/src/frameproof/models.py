"""What the server answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from frameproof.decoding import wire

#: A number, a range ``(first, last)``, "10|11" where a name gives two numbers, or None.
Episode = int | float | str | tuple[int | float, ...] | None

_ADDED = {"added": "true"}


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A limit as an answer's ``RateLimit`` headers tell it: uses that it allows, that are left, and when they come again."""

    name: str
    limit: int
    remaining: int
    resets_in_s: int
    window_s: int


@dataclass(frozen=True, slots=True)
class Titles:
    """A title in the languages that are known of it."""

    native: str | None = None
    romaji: str | None = None
    english: str | None = None
    chinese: str | None = None
    korean: str | None = None


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another place that shows the very same; times are seconds into its video."""

    filename: str
    at_s: float = field(metadata=wire("at"))
    from_s: float = field(metadata=wire("from"))
    to_s: float = field(metadata=wire("to"))
    season: int | None = None
    episode: Episode = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A scene that the picture may be from.

    Attributes:
        at_s, from_s, to_s: the frame, and the scene around it, in seconds into the video.
        probability: how likely it is the scene, 0 to 1, calibrated.
        image: address of a still of it, which works for a day.
    """

    title: str
    filename: str
    at_s: float = field(metadata=wire("at"))
    from_s: float = field(metadata=wire("from"))
    to_s: float = field(metadata=wire("to"))
    similarity: float
    probability: float
    duration_s: float = field(metadata=wire("duration"))
    image: str
    titles: Titles = field(default_factory=Titles)
    anilist_id: int | None = field(default=None, metadata=wire("anilistId"))
    mal_id: int | None = field(default=None, metadata=wire("malId"))
    is_adult: bool = field(default=False, metadata=wire("isAdult"))
    season: int | None = None
    episode: Episode = None
    kind: str = ""
    view: str = ""
    also: tuple[Elsewhere, ...] = ()
    link: str | None = None


@dataclass(frozen=True, slots=True)
class ClipFrames:
    """Of a clip: frames that were looked for, and those that agree with the first candidate."""

    asked: int
    agreeing: int


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search found, best first.

    Attributes:
        confident: whether the first candidate is called a match.
        searched_frames: frames in the server's index.
        frames: of a clip; None for a picture.
        limits: what is left, by name (``window``, ``day``, ``free``).
    """

    confident: bool
    candidates: tuple[Candidate, ...]
    searched_frames: int = field(metadata=wire("searchedFrames"))
    timings_ms: dict[str, float] = field(default_factory=dict, metadata=wire("timingsMs"))
    frames: ClipFrames | None = None
    limits: dict[str, RateLimit] = field(default_factory=dict, metadata=_ADDED)

    @property
    def match(self) -> Candidate | None:
        """The candidate that is called a match, if there is one."""
        return self.candidates[0] if self.confident and self.candidates else None


@dataclass(frozen=True, slots=True)
class Model:
    """The model that judged a video."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an analysis is: its stage, and the share of that which is done."""

    share: float
    stage: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an analysis has no verdict."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Analysis:
    """An analysis of a video, as far as the answer tells of it.

    Attributes:
        status: queued, running, done, failed or cancelled.
        result: ``ai_generated``, ``real`` or ``inconclusive``; None until it is done.
        confidence: how likely what ``result`` says is so, in percent.
        prob_fake, prob_real: None where the answer has none: that of ``get_analysis`` has the confidence alone.
        evidence: what the verdict stands on, as the server tells it.
        credits_remaining, processing_time_ms, model: of an answer to ``detect`` itself.
        limits: what is left, by name.
    """

    id: str
    status: str = "done"
    created_at: str = ""
    result: str | None = None
    confidence: float | None = None
    prob_fake: float | None = None
    prob_real: float | None = None
    model: Model | None = None
    processing_time_ms: int | None = None
    credits_remaining: int | None = None
    source_type: str | None = None
    source_url: str | None = None
    progress: Progress | None = None
    error: Failure | None = None
    evidence: dict[str, Any] | None = None
    status_url: str | None = None
    limits: dict[str, RateLimit] = field(default_factory=dict, metadata=_ADDED)

    @property
    def is_open(self) -> bool:
        """Whether it is still being worked on."""
        return self.status in ("queued", "running")


@dataclass(frozen=True, slots=True)
class Pagination:
    """Where in a list a page is."""

    page: int
    per_page: int
    total: int
    total_pages: int


@dataclass(frozen=True, slots=True)
class AnalysisPage:
    """A page of one's analyses, newest first."""

    analyses: tuple[Analysis, ...]
    pagination: Pagination


@dataclass(frozen=True, slots=True)
class User:
    """The owner of a key."""

    id: int
    username: str
    email: str
    tier: str
    credits_balance: int


@dataclass(frozen=True, slots=True)
class Key:
    """An API key, and the owner's requests of the day; ``daily_limit`` None is without limit."""

    name: str
    prefix: str
    daily_requests: int
    daily_limit: int | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """Whose key it is."""

    user: User
    api_key: Key


@dataclass(frozen=True, slots=True)
class UsageCounts:
    """Analyses of today, of 7 and of 30 days, and the credits that are left."""

    credits_balance: int
    analyses_today: int
    analyses_week: int
    analyses_month: int


@dataclass(frozen=True, slots=True)
class UsageLimits:
    """Requests of the day; None is without limit."""

    tier: str
    daily_api_used: int
    daily_api_limit: int | None = None
    daily_api_remaining: int | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used, and what is left."""

    usage: UsageCounts
    limits: UsageLimits


@dataclass(frozen=True, slots=True)
class RankedTitle:
    """A title among those searched most."""

    rank: int
    count: int
    title: str
    anilist_id: int = field(metadata=wire("anilistId"))
    previous_rank: int | None = field(default=None, metadata=wire("previousRank"))
    mal_id: int | None = field(default=None, metadata=wire("malId"))
    titles: Titles = field(default_factory=Titles)
    is_adult: bool = field(default=False, metadata=wire("isAdult"))
    cover: str | None = None
    format: str | None = None
    season: str | None = None
    year: int | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Ranking:
    """The titles searched most in a period; of all time there is neither first nor last day."""

    period: str
    rankings: tuple[RankedTitle, ...]
    first_day: str | None = field(default=None, metadata=wire("firstDay"))
    last_day: str | None = field(default=None, metadata=wire("lastDay"))


@dataclass(frozen=True, slots=True)
class RecentSearch:
    """A scene that somebody found lately."""

    title: str
    anilist_id: int = field(metadata=wire("anilistId"))
    at_s: float = field(metadata=wire("at"))
    similarity: float
    searched_at: str = field(metadata=wire("searchedAt"))
    image: str = ""
    episode: Episode = None
    mal_id: int | None = field(default=None, metadata=wire("malId"))
    titles: Titles = field(default_factory=Titles)
    is_adult: bool = field(default=False, metadata=wire("isAdult"))
    cover: str | None = None
    format: str | None = None
    season: str | None = None
    year: int | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True)
class RecentSearches:
    """A part of the recent searches, latest first."""

    searches: tuple[RecentSearch, ...]
    limit: int
    offset: int
