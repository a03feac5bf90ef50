"""What the whatanimeisthis API takes and answers, for the OpenAPI document."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_noop as _

from anime_search.errors import (
    ImageEmpty,
    ImageFetchFailed,
    ImageMissing,
    ImageTooLarge,
    ImageTooManyPixels,
    ImageUndecodable,
)
from apikeys.errors import ApiKeyInvalid, ApiKeyRevoked, KeyGuessingLimited, SignInRequired
from core.openapi import (
    BEARER,
    GUEST,
    SESSION,
    Answer,
    Operation,
    Sample,
    Schema,
    flag,
    in_header,
    list_of,
    number,
    or_null,
    record,
    ref,
    text,
    upload,
    whole,
)
from core.surfaces import BodyMalformed, BodyTooLarge
from credits.errors import (
    IdempotencyKeyInvalid,
    IdempotencyKeyReused,
    InsufficientCredits,
    QuotaExhausted,
    RateLimited,
    RequestRunning,
)

#: An episode as file names give it.
EPISODE: Final[Schema] = {
    "description": _("A number, the first and last of several, two numbers as “10|11”, or null."),
    "anyOf": [
        {"type": ["number", "string", "null"]},
        {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
    ],
}
TITLES: Final = record(
    {name: or_null(text()) for name in ("native", "romaji", "english", "chinese", "korean")},
    description=_("The title in five languages, as far as they are known."),
)
_TIMES: Final[dict[str, Schema]] = {
    "from": number(_("Where the scene begins, in seconds.")),
    "at": number(_("The moment of the picture, in seconds.")),
    "to": number(_("Where the scene ends, in seconds.")),
}
SCHEMAS: Final[dict[str, Schema]] = {
    "SceneError": record(
        {
            "error": text(_("A sentence for a person.")),
            "code": text(_("A stable name for a program.")),
            "retryAfter": whole(_("Seconds after which to try again.")),
            "resetAt": or_null(
                whole(_("When the limit is renewed or free credits come again, in seconds since 1970."))
            ),
        },
        optional=("retryAfter", "resetAt"),
    ),
    "SceneTitles": TITLES,
    "SceneCandidate": record(
        {
            "anilistId": or_null(whole(_("The title's number at AniList."))),
            "malId": or_null(whole(_("The title's number at MyAnimeList."))),
            "title": text(_("The title as it is shown, or as the file's path has it.")),
            "titles": ref("SceneTitles"),
            "isAdult": flag(_("Whether the title is for adults.")),
            "filename": text(_("The file that the scene is in.")),
            "season": or_null(whole(_("The season, where the file's path has one."))),
            "episode": EPISODE,
            "kind": text(
                _("What the file is: an episode, a film, an opening, a special…"),
                examples=["episode"],
            ),
            **_TIMES,
            "duration": number(_("Length of the file, in seconds.")),
            "similarity": number(_("How alike the pictures are, 0 to 1.")),
            "probability": number(_("How likely this is the scene, 0 to 1; calibrated.")),
            "view": text(_("How the picture was looked at when it was found: mirrored, without borders…")),
            "also": list_of(
                record(
                    {
                        "filename": text(),
                        "season": or_null(whole()),
                        "episode": EPISODE,
                        **_TIMES,
                    }
                ),
                _("Other places that show the same pictures, such as another copy of the episode."),
            ),
            "image": text(_("Address of the scene's picture; it works for a day."), format="uri"),
            "link": or_null(text(_("The title's page at AniList."), format="uri")),
        }
    ),
    "SceneAnswer": record(
        {
            "confident": flag(_("Whether the first candidate is a match; without one, nothing was found.")),
            "candidates": list_of(ref("SceneCandidate"), _("At most five, best first.")),
            "searchedFrames": whole(_("How many pictures the index has.")),
            "timingsMs": {
                "type": "object",
                "description": _("Milliseconds that each stage of the search took."),
                "additionalProperties": {"type": "number"},
            },
            "frames": record(
                {
                    "asked": whole(_("Pictures of the clip that were asked about.")),
                    "agreeing": whole(_("Those of them that agree with the first candidate.")),
                },
                description=_("Only where a clip or an animation was sent."),
            ),
        },
        optional=("frames",),
    ),
    "SceneCredits": record(
        {
            "tier": text(_("The account's tier.")),
            "credits": whole(_("Credits that were bought or given.")),
            "dailyFree": whole(_("Free credits a day.")),
            "dailyUsed": whole(_("Free credits used today.")),
            "dailyRemaining": whole(_("Free credits left today.")),
            "resetAt": or_null(whole(_("When free credits come again, in seconds since 1970."))),
            "remaining": whole(_("Free and bought credits together.")),
            "costPerSearch": whole(_("Credits that a search takes.")),
            "hourlyLimit": or_null(whole(_("Searches an hour; null is without limit."))),
            "hourlyRemaining": or_null(whole(_("Searches that are left of the hour."))),
        }
    ),
}

_CANDIDATE: Final = {
    "anilistId": 98444,
    "malId": 34798,
    "title": "Laid-Back Camp",
    "titles": {
        "native": "ゆるキャン△", "romaji": "Yuru Camp△", "english": "Laid-Back Camp",
        "chinese": "搖曳露營", "korean": "유루캠△",
    },
    "isAdult": False,
    "filename": "Yuru Camp - 05.mkv",
    "season": None,
    "episode": 5,
    "kind": "episode",
    "from": 663.17,
    "at": 665.08,
    "to": 665.42,
    "duration": 1421.5,
    "similarity": 0.9563,
    "probability": 0.9987,
    "view": "full",
    "also": [],
    "image": "http://127.0.0.1:8000/image/AbCdEf",
    "link": "https://anilist.co/anime/98444",
}  # fmt: skip

IDEMPOTENCY_KEY: Final = in_header(
    "Idempotency-Key",
    text(minLength=1, maxLength=255),
    _(
        "A name of your own for this request: sent again under it, it is answered alike and not charged again."
    ),
)

OPERATIONS: Final = (
    Operation(
        method="post",
        path="/api/anime/search",
        name="searchScene",
        summary=_("Find the scene of a picture"),
        description=_(
            "Send a picture as the file “image”, or the address of one as “url”. Of an animation (GIF, WebP) or a "
            "short video, several pictures are looked at and vote. A failed search costs nothing."
        ),
        auth=(GUEST, BEARER, SESSION),
        parameters=(IDEMPOTENCY_KEY,),
        bodies={
            "multipart/form-data": record(
                {
                    "image": upload(_("A JPEG, PNG, GIF, BMP or WebP, or a short video.")),
                    "url": text(_("The public address of one; used where there is no file."), format="uri"),
                },
                optional=("image", "url"),
            ),
            "application/json": record({"url": text(_("The public address of a picture."), format="uri")}),
        },
        answers={
            200: Answer(
                _("The candidates, best first."),
                ref("SceneAnswer"),
                {
                    "confident": True,
                    "candidates": [_CANDIDATE],
                    "searchedFrames": 3555648,
                    "timingsMs": {"index": 4.1, "total": 21.7},
                },
            )
        },
        errors=(
            ImageMissing,
            ImageEmpty,
            ImageUndecodable,
            ImageTooManyPixels,
            ImageTooLarge,
            ImageFetchFailed,
            BodyMalformed,
            BodyTooLarge,
            ApiKeyInvalid,
            ApiKeyRevoked,
            KeyGuessingLimited,
            InsufficientCredits,
            RateLimited,
            QuotaExhausted,
            IdempotencyKeyInvalid,
            IdempotencyKeyReused,
            RequestRunning,
        ),
        sample=Sample(auth=BEARER, files={"image": "screenshot.jpg"}),
    ),
    Operation(
        method="get",
        path="/api/user/anime-credits",
        name="getSceneCredits",
        summary=_("Searches that are left"),
        description=_("The free credits of the day and those that were bought, of the signed-in user."),
        auth=(SESSION,),
        answers={
            200: Answer(
                _("What is left."),
                ref("SceneCredits"),
                {
                    "tier": "free",
                    "credits": 0,
                    "dailyFree": 10,
                    "dailyUsed": 3,
                    "dailyRemaining": 7,
                    "resetAt": 1767225600,
                    "remaining": 7,
                    "costPerSearch": 1,
                    "hourlyLimit": 100,
                    "hourlyRemaining": 97,
                },
            )
        },
        errors=(SignInRequired,),
        sample=Sample(auth=SESSION),
    ),
)
