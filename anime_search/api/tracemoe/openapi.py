"""What today's trace.moe API takes and answers, for the OpenAPI document."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_noop as _

from anime_search.errors import (
    ImageEmpty,
    ImageFetchFailed,
    ImageFetchTooLarge,
    ImageMissing,
    ImageTooLarge,
    ImageTooManyPixels,
    ImageUndecodable,
    PreviewExpired,
    PreviewGone,
    PreviewRefused,
    PreviewSizeInvalid,
    PreviewsLimited,
    SearchQueueFull,
)
from apikeys.errors import ApiKeyInvalid, ApiKeyRevoked, KeyGuessingLimited
from core.errors import DomainError
from core.openapi import (
    GUEST,
    TRACE_HEADER,
    TRACE_QUERY,
    Answer,
    Operation,
    Parameter,
    Sample,
    Schema,
    flag,
    in_path,
    in_query,
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
from credits.errors import ConcurrencyExceeded, InsufficientCredits, QuotaExhausted, RateLimited

_QUOTA: Final[dict[str, Schema]] = {
    "quota": whole(_("Searches a day.")),
    "quotaUsed": whole(_("Searches used of the day.")),
}
SCHEMAS: Final[dict[str, Schema]] = {
    "SearchError": record(
        {"error": text(_("What went wrong.")), **_QUOTA},
        optional=("quota", "quotaUsed"),
    ),
    "SearchTitle": record(
        {
            "id": whole(_("The title's number at AniList; 0 where it is not known.")),
            "idMal": or_null(whole(_("The title's number at MyAnimeList."))),
            "title": record({"native": or_null(text()), "romaji": text(), "english": or_null(text())}),
            "synonyms": list_of(text()),
            "isAdult": flag(_("Whether the title is for adults.")),
        }
    ),
    "SearchResult": record(
        {
            "anilist": {
                "description": _("The title's number at AniList; with “anilistInfo” the title."),
                "anyOf": [{"type": "integer"}, ref("SearchTitle")],
            },
            "filename": text(_("The file that the scene is in.")),
            "episode": {
                "description": _("A number, the first and last of several, two numbers as “10|11”, or null."),
                "anyOf": [
                    {"type": ["number", "string", "null"]},
                    {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
                ],
            },
            "from": number(_("Where the scene begins, in seconds.")),
            "to": number(_("Where the scene ends, in seconds.")),
            "at": number(_("The moment of the picture, in seconds.")),
            "duration": number(_("Length of the file, in seconds.")),
            "similarity": number(_("How alike the pictures are, 0 to 1.")),
            "video": text(_("Address of the scene's video; it needs no key."), format="uri"),
            "image": text(_("Address of the scene's picture; it needs no key."), format="uri"),
        }
    ),
    "SearchResults": record(
        {
            **_QUOTA,
            "frameCount": whole(_("How many pictures were searched.")),
            "error": text(_("Always empty here.")),
            "result": list_of(ref("SearchResult"), _("At most ten, most alike first.")),
        }
    ),
    "SearchMe": record(
        {
            "error": text(_("Always empty here.")),
            "id": text(_("The account's e-mail address; a guest's IP address.")),
            "priority": whole(_("How much of a full queue is open to you.")),
            "concurrency": whole(_("Searches that may run at a time.")),
            **_QUOTA,
        }
    ),
}

_ANYBODY: Final = (GUEST, TRACE_HEADER, TRACE_QUERY)
_OF_A_KEY: Final = (ApiKeyInvalid, ApiKeyRevoked, KeyGuessingLimited)
_SEARCH_ERRORS: Final[tuple[type[DomainError], ...]] = (
    ImageMissing,
    ImageUndecodable,
    ImageTooManyPixels,
    ImageFetchFailed,
    ImageFetchTooLarge,
    *_OF_A_KEY,
    RateLimited,
    QuotaExhausted,
    ConcurrencyExceeded,
    InsufficientCredits,
    SearchQueueFull,
)
_OPTIONS: Final[tuple[Parameter, ...]] = (
    in_query("anilistID", whole(minimum=1), _("Look only in the title of this AniList number.")),
    in_query(
        "anilistInfo", text(), _("Give the title's names and not its number alone, whatever it is set to.")
    ),
    in_query("cutBorders", text(), _("Taken for compatibility: borders are always looked past.")),
)
_FOUND: Final = Answer(
    _("What was found; an empty list is no error."),
    ref("SearchResults"),
    {
        "quota": 150,
        "quotaUsed": 43,
        "frameCount": 745506,
        "error": "",
        "result": [
            {
                "anilist": 98444,
                "filename": "[Ohys-Raws] Yuru Camp - 05 (AT-X 1280x720 x264 AAC).mp4",
                "episode": 5,
                "from": 663.17,
                "to": 665.42,
                "at": 665.08,
                "duration": 1421.5,
                "similarity": 0.9563,
                "video": "http://127.0.0.1:8000/video/AbCdEf",
                "image": "http://127.0.0.1:8000/image/AbCdEf",
            }
        ],
    },
)
_SIZE: Final = in_query("size", text(enum=["s", "m", "l"], default="m"), _("Width: 160, 320 or 640 pixels."))
_SCENE: Final = in_path("token", _("The last part of the address in a result."))
_BYTES: Final[Schema] = {}

OPERATIONS: Final = (
    Operation(
        method="post",
        path="/search",
        name="searchUpload",
        summary=_("Find the scene of a picture that is sent"),
        description=_(
            "The picture is a file of a form, under any name, or the body itself, up to 25 MB. Of a video, the first "
            "picture counts. A failed search costs nothing."
        ),
        auth=_ANYBODY,
        parameters=_OPTIONS,
        bodies={
            "multipart/form-data": record({"image": upload(_("A picture or a video."))}),
            "image/*": _BYTES,
            "video/*": _BYTES,
            "application/octet-stream": _BYTES,
        },
        answers={200: _FOUND},
        errors=(*_SEARCH_ERRORS, ImageEmpty, ImageTooLarge, BodyTooLarge, BodyMalformed),
        sample=Sample(auth=TRACE_HEADER, query={"anilistInfo": ""}, files={"image": "screenshot.jpg"}),
    ),
    Operation(
        method="get",
        path="/search",
        name="searchAddress",
        summary=_("Find the scene of a picture by its address"),
        auth=_ANYBODY,
        parameters=(
            in_query(
                "url", text(format="uri"), _("The public address of a picture or a video."), required=True
            ),
            *_OPTIONS,
        ),
        answers={200: _FOUND},
        errors=_SEARCH_ERRORS,
        sample=Sample(query={"url": "https://example.com/screenshot.png"}),
    ),
    Operation(
        method="get",
        path="/me",
        name="getSearchLimits",
        summary=_("What is left of the day"),
        description=_("It costs nothing."),
        auth=_ANYBODY,
        answers={
            200: Answer(
                _("Who asks, and what is left."),
                ref("SearchMe"),
                {
                    "error": "",
                    "id": "you@example.org",
                    "priority": 1,
                    "concurrency": 1,
                    "quota": 1000,
                    "quotaUsed": 43,
                },
            )
        },
        errors=_OF_A_KEY,
        sample=Sample(auth=TRACE_HEADER),
    ),
    Operation(
        method="get",
        path="/image/{token}",
        name="getSceneImage",
        summary=_("Picture of a result"),
        parameters=(_SCENE, _SIZE),
        answers={200: Answer(_("A JPEG."), media_type="image/jpeg")},
        errors=(PreviewSizeInvalid, PreviewRefused, PreviewExpired, PreviewGone),
        sample=Sample(path={"token": "SCENE_TOKEN"}, query={"size": "l"}),
    ),
    Operation(
        method="get",
        path="/video/{token}",
        name="getSceneVideo",
        summary=_("Video of a result"),
        description=_(
            "The scene, at most five seconds to either side of the moment. The headers x-video-start, x-video-end and "
            "x-video-duration tell which part of the file it is."
        ),
        parameters=(
            _SCENE,
            _SIZE,
            in_query("mute", text(), _("Leave the sound out, whatever it is set to.")),
        ),
        answers={200: Answer(_("An MP4."), media_type="video/mp4")},
        errors=(PreviewSizeInvalid, PreviewRefused, PreviewExpired, PreviewGone, PreviewsLimited),
        sample=Sample(path={"token": "SCENE_TOKEN"}, query={"size": "m", "mute": ""}),
    ),
)
