"""What the old trace.moe API takes and answers, for the OpenAPI document."""

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
    PreviewGone,
    PreviewRefused,
    PreviewsLimited,
    PreviewTimeInvalid,
)
from apikeys.errors import ApiKeyInvalid, ApiKeyRevoked, KeyGuessingLimited
from core.errors import DomainError
from core.openapi import (
    GUEST,
    TOKEN,
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
    whole,
)
from core.surfaces import BodyMalformed, BodyTooLarge
from credits.errors import InsufficientCredits, QuotaExhausted, RateLimited

_LEFT: Final[dict[str, Schema]] = {
    "limit": whole(_("Searches left of the minute.")),
    "limit_ttl": whole(_("Seconds until the minute begins anew.")),
    "quota": whole(_("Searches left of the day.")),
    "quota_ttl": whole(_("Seconds until the day begins anew.")),
}
SCHEMAS: Final[dict[str, Schema]] = {
    "TraceError": text(_("A double-quoted string, so that it is always valid JSON.")),
    "TraceDoc": record(
        {
            "from": number(_("Where the scene begins, in seconds.")),
            "to": number(_("Where the scene ends, in seconds.")),
            "anilist_id": whole(_("The title's number at AniList; 0 where it is not known.")),
            "at": number(_("The moment of the picture, in seconds.")),
            "season": text(_("Year and month it began in, as 2018-01; may be empty.")),
            "anime": text(_("The Chinese title.")),
            "filename": text(_("The file that the scene is in.")),
            "episode": {
                "type": ["number", "string"],
                "description": _("A number, “OVA/OAD”, “Special” or empty, as the file's name has it."),
            },
            "tokenthumb": text(_("Opens the previews of this scene.")),
            "similarity": number(_("0 to 1; below 0.87 it is probably not the scene.")),
            "title": text(_("The native title.")),
            "title_native": text(),
            "title_chinese": text(),
            "title_english": text(),
            "title_romaji": text(),
            "mal_id": or_null(whole(_("The title's number at MyAnimeList."))),
            "synonyms": list_of(text()),
            "synonyms_chinese": list_of(text()),
            "is_adult": flag(_("Whether the title is for adults.")),
        }
    ),
    "TraceDocs": record(
        {
            "RawDocsCount": whole(_("How many pictures were searched.")),
            "RawDocsSearchTime": number(_("Milliseconds that finding took.")),
            "ReRankSearchTime": number(_("Milliseconds that comparing took.")),
            "CacheHit": flag(_("Whether the same picture was asked about before.")),
            "trial": whole(_("How often it was asked about.")),
            "docs": list_of(ref("TraceDoc"), _("At most ten, most alike first.")),
            **_LEFT,
        }
    ),
    "TraceMe": record(
        {
            "user_id": or_null(whole(_("The account's number; null for a guest."))),
            "email": text(_("The account's e-mail address; a guest's IP address.")),
            **_LEFT,
            "user_limit": whole(_("Searches a minute.")),
            "user_limit_ttl": whole(_("Seconds of that minute.")),
            "user_quota": whole(_("Searches a day.")),
            "user_quota_ttl": whole(_("Seconds of that day.")),
        }
    ),
}

_DOC: Final = {
    "from": 663.17,
    "to": 665.42,
    "anilist_id": 98444,
    "at": 665.08,
    "season": "2018-01",
    "anime": "搖曳露營",
    "filename": "[Ohys-Raws] Yuru Camp - 05 (AT-X 1280x720 x264 AAC).mp4",
    "episode": 5,
    "tokenthumb": "bB-8KQuoc6u-1SfzuVnDMw",
    "similarity": 0.9563952960290518,
    "title": "ゆるキャン△",
    "title_native": "ゆるキャン△",
    "title_chinese": "搖曳露營",
    "title_english": "Laid-Back Camp",
    "title_romaji": "Yuru Camp△",
    "mal_id": 34798,
    "synonyms": ["Yurucamp", "Yurukyan△"],
    "synonyms_chinese": [],
    "is_adult": False,
}
_FOUND: Final = Answer(
    _("What was found, and what is left of the limits."),
    ref("TraceDocs"),
    {
        "RawDocsCount": 3555648,
        "RawDocsSearchTime": 14056,
        "ReRankSearchTime": 1182,
        "CacheHit": False,
        "trial": 1,
        "docs": [_DOC],
        "limit": 9,
        "limit_ttl": 60,
        "quota": 148,
        "quota_ttl": 85899,
    },
)
_SEARCH_ERRORS: Final[tuple[type[DomainError], ...]] = (
    ImageMissing,
    ImageEmpty,
    ImageUndecodable,
    ImageTooManyPixels,
    ApiKeyInvalid,
    ApiKeyRevoked,
    KeyGuessingLimited,
    RateLimited,
    QuotaExhausted,
    InsufficientCredits,
)
_WANTED: Final = record(
    {
        "image": text(
            _("The picture as base64; a data URI's beginning is dropped."), contentEncoding="base64"
        ),
        "filter": {
            "type": ["number", "string"],
            "description": _("Look only in the title of this AniList number; 0 is all."),
        },
    },
    optional=("filter",),
)
_PREVIEW_ERRORS: Final = (PreviewTimeInvalid, PreviewRefused, PreviewGone)
_OF_A_PREVIEW: Final[tuple[Parameter, ...]] = (
    in_query("t", number(), _("“at” of the result."), required=True),
    in_query("token", text(), _("“tokenthumb” of the result."), required=True),
)
_NAMED: Final[tuple[Parameter, ...]] = (
    in_query("anilist_id", whole(), _("“anilist_id” of the result."), required=True),
    in_query("file", text(), _("“filename” of the result."), required=True),
    *_OF_A_PREVIEW,
)
_MUTE: Final = in_query("mute", text(), _("Leave the sound out, whatever it is set to."))
_SAMPLE_PREVIEW: Final = Sample(
    query={"anilist_id": "98444", "file": "SCENE_FILE", "t": "SCENE_AT", "token": "TOKENTHUMB"}
)

OPERATIONS: Final = (
    Operation(
        method="post",
        path="/api/search",
        name="searchBase64",
        summary=_("Find the scene of a picture in base64"),
        description=_("The body has at most 1 MB. A failed search costs nothing."),
        auth=(GUEST, TOKEN),
        bodies={
            "application/x-www-form-urlencoded": _WANTED,
            "application/json": _WANTED,
        },
        answers={200: _FOUND},
        errors=(*_SEARCH_ERRORS, BodyMalformed, BodyTooLarge, ImageTooLarge),
        sample=Sample(base64={"image": "screenshot.jpg"}),
    ),
    Operation(
        method="get",
        path="/api/search",
        name="searchUrl",
        summary=_("Find the scene of a picture by its address"),
        auth=(GUEST, TOKEN),
        parameters=(
            in_query("url", text(format="uri"), _("The public address of a picture."), required=True),
        ),
        answers={200: _FOUND},
        errors=(*_SEARCH_ERRORS, ImageFetchFailed),
        sample=Sample(query={"url": "https://example.com/screenshot.png"}),
        is_own=True,
    ),
    Operation(
        method="get",
        path="/api/me",
        name="getTraceLimits",
        summary=_("What is left of the limits"),
        description=_("It costs nothing."),
        auth=(GUEST, TOKEN),
        answers={
            200: Answer(
                _("Who asks, and what is left."),
                ref("TraceMe"),
                {
                    "user_id": 1001,
                    "email": "you@example.org",
                    "limit": 9,
                    "limit_ttl": 45,
                    "quota": 999,
                    "quota_ttl": 86385,
                    "user_limit": 10,
                    "user_limit_ttl": 60,
                    "user_quota": 1000,
                    "user_quota_ttl": 86400,
                },
            )
        },
        errors=(ApiKeyInvalid, ApiKeyRevoked, KeyGuessingLimited),
        sample=Sample(auth=TOKEN),
    ),
    Operation(
        method="get",
        path="/thumbnail.php",
        name="getThumbnail",
        summary=_("Picture of a result"),
        parameters=_NAMED,
        answers={200: Answer(_("A JPEG, 320 pixels wide."), media_type="image/jpeg")},
        errors=_PREVIEW_ERRORS,
        sample=_SAMPLE_PREVIEW,
    ),
    Operation(
        method="get",
        path="/preview.php",
        name="getPreview",
        summary=_("Three seconds of a result"),
        description=_("From one second before the moment to two after it."),
        parameters=(*_NAMED, _MUTE),
        answers={200: Answer(_("An MP4."), media_type="video/mp4")},
        errors=(*_PREVIEW_ERRORS, PreviewsLimited),
        sample=_SAMPLE_PREVIEW,
    ),
    Operation(
        method="get",
        path="/video/{anilist_id}/{filename}",
        name="getSceneByName",
        summary=_("The whole scene of a result"),
        description=_("Cut where the scene begins and ends."),
        parameters=(
            in_path("anilist_id", _("“anilist_id” of the result."), whole()),
            in_path("filename", _("“filename” of the result.")),
            *_OF_A_PREVIEW,
            _MUTE,
        ),
        answers={200: Answer(_("An MP4."), media_type="video/mp4")},
        errors=(*_PREVIEW_ERRORS, PreviewsLimited),
        sample=Sample(
            path={"anilist_id": "98444", "filename": "ENCODED_FILE"},
            query={"t": "SCENE_AT", "token": "TOKENTHUMB"},
        ),
    ),
)
