"""What the tools answer: plain facts for programs, and the same in a few lines for a model to read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.urls import reverse

from anime_search.clip_search import agreeing_frames
from anime_search.engine.episode import current_episode
from anime_search.previews import Moment, sign_moment
from anime_search.selectors import Candidate
from anime_search.services import SearchAnswer
from credits.days import DayState
from credits.policies import Product
from credits.services import Snapshot
from credits.windows import WindowState
from deepfake.engine.verdict import Result
from deepfake.models import Analysis

#: Frames that a verdict names: those that weighed most.
MOST_FRAMES = 5

Episode = int | float | str | list[int | float] | None


@dataclass(frozen=True, slots=True)
class FoundPlace:
    """Another place that shows the very same."""

    filename: str
    season: int | None
    episode: Episode
    at_s: float


@dataclass(frozen=True, slots=True)
class FoundScene:
    """A scene that the picture may be from; times are seconds into the video."""

    title: str
    titles: dict[str, str | None]
    anilist_id: int | None
    mal_id: int | None
    is_adult: bool
    season: int | None
    episode: Episode
    kind: str
    filename: str
    from_s: float
    at_s: float
    to_s: float
    probability: float
    similarity: float
    view: str
    also: list[FoundPlace]
    image_url: str | None
    anilist_url: str | None


@dataclass(frozen=True, slots=True)
class SceneAnswer:
    """Candidates, best first; only if ``matched`` is the first one sure to be the scene."""

    matched: bool
    scenes: list[FoundScene]
    searched_frames: int
    clip_frames_asked: int
    clip_frames_agreeing: int


@dataclass(frozen=True, slots=True)
class TellingFrame:
    """A frame that weighed much in a verdict."""

    at_s: float
    prob_fake: float


@dataclass(frozen=True, slots=True)
class AnalysisAnswer:
    """How an analysis stands; ``result`` is null until its status is ``done``."""

    analysis_id: str
    status: str
    result: str | None
    confidence_percent: float | None
    prob_fake: float | None
    manipulation: str | None
    model: str | None
    quality_remarks: list[str]
    marks_of_origin: list[str]
    telling_frames: list[TellingFrame]
    progress_percent: float | None
    stage: str | None


@dataclass(frozen=True, slots=True)
class Allowance:
    """One limit: what it allows, what is left, and when it is renewed."""

    limit: int
    remaining: int
    resets_in_s: int


@dataclass(frozen=True, slots=True)
class ProductLimits:
    """What is left of one product; null is without limit."""

    product: str
    cost_credits: int
    window: Allowance | None
    day: Allowance | None
    free_credits: Allowance | None


@dataclass(frozen=True, slots=True)
class LimitsAnswer:
    """What the caller may still use."""

    tier: str
    credits: int
    products: list[ProductLimits]


def scene_answer(answer: SearchAnswer) -> SceneAnswer:
    """What a search found."""
    agreeing = [agreeing_frames(candidate.scene) for candidate in answer.candidates[:1]]
    return SceneAnswer(
        matched=answer.confident,
        scenes=[_scene(candidate) for candidate in answer.candidates],
        searched_frames=answer.frames,
        clip_frames_asked=answer.asked_frames,
        clip_frames_agreeing=sum(agreeing),
    )


def _scene(candidate: Candidate) -> FoundScene:
    anime, video, scene = candidate.anime, candidate.video, candidate.scene
    return FoundScene(
        title=candidate.title,
        titles={
            language: (getattr(anime, f"title_{language}") or None) if anime else None
            for language in ("native", "romaji", "english", "chinese", "korean")
        },
        anilist_id=anime.anilist_id if anime else None,
        mal_id=anime.mal_id if anime else None,
        is_adult=anime.is_adult if anime else False,
        season=video.season,
        episode=current_episode(video.parsed),
        kind=video.kind,
        filename=video.filename,
        from_s=round(scene.from_s, 2),
        at_s=round(scene.at_s, 2),
        to_s=round(scene.to_s, 2),
        probability=round(scene.probability, 4),
        similarity=round(scene.similarity, 4),
        view=scene.view,
        also=[
            FoundPlace(
                other.video.filename,
                other.video.season,
                current_episode(other.video.parsed),
                round(other.place.at_s, 2),
            )
            for other in candidate.also
        ],
        image_url=_image_url(candidate),
        anilist_url=f"https://anilist.co/anime/{anime.anilist_id}" if anime else None,
    )


def _image_url(candidate: Candidate) -> str | None:
    """Where the scene's picture is; None where the site does not know its own address."""
    if not settings.SITE_URL:
        return None
    token = sign_moment(Moment(candidate.video.pk, round(candidate.scene.at_s * 1000)))
    return f"{settings.SITE_URL}{reverse('scene-image', args=[token])}"


def scene_words(body: dict[str, Any]) -> str:
    """The answer to a search, as :func:`scene_answer` has it, in a few lines."""
    if not body["scenes"]:
        return "Nothing like it is in the index."
    lines = [
        f"{n}. {scene['title']}{_episode_words(scene)}, at {clock_time(scene['at_s'])}"
        f" (probability {scene['probability']:.0%}; {scene['filename']})"
        for n, scene in enumerate(body["scenes"], 1)
    ]
    head = (
        "A match: the first one."
        if body["matched"]
        else "No match: none of these is sure to be the scene. The nearest are:"
    )
    return "\n".join([head, *lines])


def _episode_words(scene: dict[str, Any]) -> str:
    return "" if scene["episode"] is None else f", episode {scene['episode']}"


def clock_time(seconds: float) -> str:
    """Seconds as people write them: 1:02:03 or 2:03."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def analysis_answer(analysis: Analysis, *, progress_percent: float) -> AnalysisAnswer:
    """How an analysis stands, with what its verdict stands on where there is one."""
    evidence: dict[str, Any] = analysis.evidence or {}
    frames = sorted(evidence.get("frames", []), key=lambda frame: -frame["weight"])[:MOST_FRAMES]
    done = bool(analysis.result)
    return AnalysisAnswer(
        analysis_id=analysis.public_id,
        status=analysis.status,
        result=analysis.result or None,
        confidence_percent=analysis.confidence,
        prob_fake=analysis.thousandths_fake / 1000 if done else None,
        manipulation=analysis.manipulation or None,
        model=f"{analysis.model_name} {analysis.model_version}" if done else None,
        quality_remarks=list(evidence.get("quality", [])),
        marks_of_origin=[
            f"{mark['generator']} ({mark['found_in']})" for mark in evidence.get("provenance", [])
        ],
        telling_frames=[
            TellingFrame(round(frame["at_s"], 2), round(frame["prob_fake"], 3)) for frame in frames
        ],
        progress_percent=progress_percent if analysis.is_open else None,
        stage=(analysis.stage or None) if analysis.is_open else None,
    )


def analysis_words(answer: AnalysisAnswer) -> str:
    """The same in a few lines."""
    if answer.result is None:
        return (
            f"Analysis {answer.analysis_id} is {answer.status} ({answer.progress_percent:.0f} %). "
            "Ask video_verdict for its verdict in a while; it goes on by itself, and is charged once."
        )
    said = {
        Result.AI_GENERATED.value: "The video is likely made or altered by AI",
        Result.REAL.value: "The video is likely real",
        Result.INCONCLUSIVE.value: "Inconclusive: neither real nor AI-made with enough certainty",
    }[answer.result]
    lines = [f"{said} (probability that it is AI-made: {answer.prob_fake:.1%}; model {answer.model})."]
    if answer.manipulation:
        lines.append(f"Kind: {answer.manipulation.replace('_', ' ')}.")
    if answer.marks_of_origin:
        lines.append(f"Marks of origin: {', '.join(answer.marks_of_origin)}.")
    if answer.quality_remarks:
        remarks = ", ".join(remark.replace("_", " ") for remark in answer.quality_remarks)
        lines.append(f"The verdict is worth less because of: {remarks}.")
    lines.append("A detector's opinion is no proof.")
    return "\n".join(lines)


def limits_answer(tier: str, states: dict[Product, Snapshot]) -> LimitsAnswer:
    """What is left of some products."""
    return LimitsAnswer(
        tier=tier,
        credits=next((state.balance or 0 for state in states.values()), 0),
        products=[
            ProductLimits(
                product=product.value,
                cost_credits=state.limits.cost,
                window=_allowance(state.limit),
                day=_allowance(state.quota),
                free_credits=_allowance(state.free),
            )
            for product, state in states.items()
        ],
    )


def limits_words(answer: LimitsAnswer) -> str:
    """The same in a few lines."""
    lines = [f"Tier {answer.tier}, {answer.credits} bought credits."]
    for each in answer.products:
        parts = [
            f"{left.remaining} of {left.limit} {what}, renewed in {left.resets_in_s} s"
            for what, left in (
                ("in this window", each.window),
                ("today", each.day),
                ("free credits today", each.free_credits),
            )
            if left is not None
        ]
        cost = f"{each.cost_credits} credits each" if each.cost_credits else "no credits"
        lines.append(f"{_PRODUCTS[each.product]}: {'; '.join(parts) or 'no limit'} ({cost}).")
    return "\n".join(lines)


_PRODUCTS = {
    Product.WHAT_ANIME.value: "search_scene",
    Product.API_V1.value: "calls of detect_video and video_verdict",
    Product.ANALYSIS.value: "analyses",
}


def _allowance(state: WindowState | DayState | None) -> Allowance | None:
    return None if state is None else Allowance(state.limit, state.remaining, state.seconds_left)


def as_body(answer: SceneAnswer | AnalysisAnswer | LimitsAnswer) -> dict[str, Any]:
    """An answer as plain values, which travel as JSON."""
    return asdict(answer)
