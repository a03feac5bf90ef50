"""What the aividect API takes and answers, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_noop as _

from apikeys.errors import ApiKeyInvalid, ApiKeyRevoked, KeyGuessingLimited
from core.errors import DomainError
from core.openapi import (
    BEARER,
    Answer,
    Operation,
    Sample,
    Schema,
    in_header,
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
from credits.errors import (
    IdempotencyKeyInvalid,
    IdempotencyKeyReused,
    InsufficientCredits,
    LimitExceeded,
    RequestRunning,
)
from deepfake.api.aividect.openapi_evidence import EVIDENCE_SCHEMAS
from deepfake.api.aividect.requests import MOST_PER_PAGE, PER_PAGE
from deepfake.engine.verdict import Result
from deepfake.errors import (
    AnalysisCancelled,
    AnalysisFailed,
    AnalysisNotFound,
    AnalysisTimedOut,
    AuthenticationMissing,
    DownloadFailed,
    TooManyAnalyses,
    UrlMissing,
    VideoTooLarge,
    VideoUnreadable,
)
from deepfake.models import AnalysisStatus, SourceType, Stage

_SUCCESS: Final[Schema] = {"type": "boolean", "const": True}
_RESULT: Final = text(
    _("The verdict: the video is made or altered by an AI, is real, or it cannot be told."),
    enum=[each.value for each in Result],
)
_CONFIDENCE: Final = number(_("How likely the result is right, in percent; calibrated."))
_MOMENT: Final = text(format="date-time")
_ERROR: Final = record(
    {
        "code": text(_("A stable name for a program.")),
        "message": text(_("A sentence for a person.")),
    }
)
_LISTED: Final[dict[str, Schema]] = {
    "id": text(_("The analysis's id.")),
    "result": {**_RESULT, "type": ["string", "null"], "enum": [*(each.value for each in Result), None]},
    "confidence": or_null(_CONFIDENCE),
    "source_type": text(_("Whether it was an address or a file."), enum=list(SourceType.values)),
    "source_url": or_null(text(_("The video's address, without what would open it to others."))),
    "created_at": _MOMENT,
    "status": text(_("How far it is."), enum=list(AnalysisStatus.values)),
    "progress": record(
        {
            "stage": {"type": ["string", "null"], "enum": [*Stage.values, None]},
            "share": number(_("How much of the stage is done, 0 to 1.")),
        },
        description=_("Only while it waits or runs."),
    ),
    "error": {**_ERROR, "description": _("Only where it failed or was cancelled.")},
}
SCHEMAS: Final[dict[str, Schema]] = {
    "DetectorError": record({"success": {"type": "boolean", "const": False}, "error": _ERROR}),
    **EVIDENCE_SCHEMAS,
    "Verdict": record(
        {
            "success": _SUCCESS,
            "analysis_id": text(_("By which it is asked for again.")),
            "result": _RESULT,
            "confidence": _CONFIDENCE,
            "prob_fake": number(_("How likely it is made or altered by an AI, 0 to 1; calibrated.")),
            "prob_real": number(_("1 less prob_fake.")),
            "model": record({"name": text(), "version": text()}),
            "processing_time_ms": whole(_("Milliseconds that the analysis took.")),
            "credits_remaining": whole(_("Credits that are left.")),
            "created_at": _MOMENT,
            "evidence": or_null(ref("Evidence")),
        }
    ),
    "AnalysisAccepted": record(
        {
            "success": _SUCCESS,
            "analysis_id": text(_("By which it is asked for again.")),
            "status": text(enum=list(AnalysisStatus.values)),
            "status_url": text(_("Where the verdict will be."), format="uri"),
            "created_at": _MOMENT,
        }
    ),
    "AnalysisListed": record(_LISTED, optional=("progress", "error")),
    "AnalysisTold": record(
        {
            "success": _SUCCESS,
            "analysis": record(
                {**_LISTED, "evidence": or_null(ref("Evidence"))}, optional=("progress", "error")
            ),
        }
    ),
    "Analyses": record(
        {
            "success": _SUCCESS,
            "analyses": list_of(ref("AnalysisListed"), _("Newest first.")),
            "pagination": record(
                {"page": whole(), "per_page": whole(), "total": whole(), "total_pages": whole()}
            ),
        }
    ),
    "AnalysisDismissed": record(
        {
            "success": _SUCCESS,
            "analysis": record({"id": text(), "status": text(enum=["cancelled", "deleted"])}),
        }
    ),
    "DetectorMe": record(
        {
            "success": _SUCCESS,
            "user": record(
                {
                    "id": whole(),
                    "username": text(),
                    "email": text(format="email"),
                    "tier": text(_("The account's tier.")),
                    "credits_balance": whole(_("Credits that are left.")),
                }
            ),
            "api_key": record(
                {
                    "name": text(_("Your name for it.")),
                    "prefix": text(_("How the key begins, to tell it by.")),
                    "daily_requests": whole(_("Requests of today, with all keys together.")),
                    "daily_limit": or_null(whole(_("Requests a day; null is without limit."))),
                }
            ),
        }
    ),
    "DetectorUsage": record(
        {
            "success": _SUCCESS,
            "usage": record(
                {
                    "credits_balance": whole(_("Credits that are left.")),
                    "analyses_today": whole(),
                    "analyses_week": whole(_("Of the last 7 days.")),
                    "analyses_month": whole(_("Of the last 30 days.")),
                }
            ),
            "limits": record(
                {
                    "tier": text(_("The account's tier.")),
                    "daily_api_limit": or_null(whole(_("Requests a day; null is without limit."))),
                    "daily_api_used": whole(),
                    "daily_api_remaining": or_null(whole()),
                }
            ),
        }
    ),
}

_OF_A_KEY: Final[tuple[type[DomainError], ...]] = (
    AuthenticationMissing,
    ApiKeyInvalid,
    ApiKeyRevoked,
    KeyGuessingLimited,
    LimitExceeded,
)
_ID: Final = in_path("public_id", _("The analysis's id."))
_LISTED_EXAMPLE: Final[dict[str, Any]] = {
    "id": "a1b2c3d4e5f6",
    "result": "ai_generated",
    "confidence": 94.5,
    "source_type": "url",
    "source_url": "https://tiktok.com/@user/video/123",
    "created_at": "2026-01-15T10:30:00Z",
    "status": "done",
}

OPERATIONS: Final = (
    Operation(
        method="get",
        path="/api/v1/me",
        name="getDetectorAccount",
        summary=_("The key and its owner"),
        auth=(BEARER,),
        answers={
            200: Answer(
                _("Who asks."),
                ref("DetectorMe"),
                {
                    "success": True,
                    "user": {
                        "id": 123,
                        "username": "john_doe",
                        "email": "john@example.com",
                        "tier": "pro",
                        "credits_balance": 45,
                    },
                    "api_key": {
                        "name": "Production",
                        "prefix": "ak_x7Kp9mN2",
                        "daily_requests": 12,
                        "daily_limit": 100,
                    },
                },
            )
        },
        errors=_OF_A_KEY,
        sample=Sample(auth=BEARER),
    ),
    Operation(
        method="post",
        path="/api/v1/analyze",
        name="analyzeVideo",
        summary=_("Judge a video"),
        description=_(
            "Give the address of a video, or send one as the file “file”. It takes one credit, which comes back if "
            "there is no verdict. With “Prefer: respond-async” the answer is 202 at once, and the verdict is asked for "
            "later."
        ),
        auth=(BEARER,),
        parameters=(
            in_header(
                "Prefer", text(examples=["respond-async"]), _("respond-async: do not wait for the verdict.")
            ),
            in_header(
                "Idempotency-Key",
                text(minLength=1, maxLength=255),
                _(
                    "A name of your own for this request: sent again under it, it is answered alike and not charged "
                    "again."
                ),
            ),
        ),
        bodies={
            "application/json": record({"url": text(_("The address of the video."), format="uri")}),
            "multipart/form-data": record(
                {
                    "file": upload(_("The video itself.")),
                    "url": text(_("Its address; used where there is no file."), format="uri"),
                },
                optional=("file", "url"),
            ),
            "application/x-www-form-urlencoded": record(
                {"url": text(_("The address of the video."), format="uri")}
            ),
        },
        answers={
            200: Answer(
                _("The verdict."),
                ref("Verdict"),
                {
                    "success": True,
                    "analysis_id": "a1b2c3d4e5f6",
                    "result": "ai_generated",
                    "confidence": 94.5,
                    "prob_fake": 0.945,
                    "prob_real": 0.055,
                    "model": {"name": "VideoEfficientAttn", "version": "epoch25_auc0.95"},
                    "processing_time_ms": 4523,
                    "credits_remaining": 44,
                    "created_at": "2026-01-15T10:30:00Z",
                    "evidence": None,
                },
            ),
            202: Answer(
                _("The analysis was taken up."),
                ref("AnalysisAccepted"),
                {
                    "success": True,
                    "analysis_id": "a1b2c3d4e5f6",
                    "status": "queued",
                    "status_url": "http://127.0.0.1:8000/api/v1/analysis/a1b2c3d4e5f6",
                    "created_at": "2026-01-15T10:30:00Z",
                },
            ),
        },
        errors=(
            *_OF_A_KEY,
            UrlMissing,
            DownloadFailed,
            VideoUnreadable,
            VideoTooLarge,
            BodyMalformed,
            BodyTooLarge,
            InsufficientCredits,
            TooManyAnalyses,
            IdempotencyKeyInvalid,
            IdempotencyKeyReused,
            RequestRunning,
            AnalysisCancelled,
            AnalysisTimedOut,
            AnalysisFailed,
        ),
        sample=Sample(auth=BEARER, json={"url": "https://tiktok.com/@user/video/123"}),
    ),
    Operation(
        method="get",
        path="/api/v1/analysis/{public_id}",
        name="getAnalysis",
        summary=_("How an analysis stands"),
        auth=(BEARER,),
        parameters=(_ID,),
        answers={
            200: Answer(
                _("The analysis: its result, or its progress, or why it failed."),
                ref("AnalysisTold"),
                {"success": True, "analysis": {**_LISTED_EXAMPLE, "evidence": None}},
            )
        },
        errors=(*_OF_A_KEY, AnalysisNotFound),
        sample=Sample(auth=BEARER, path={"public_id": "ANALYSIS_ID"}),
    ),
    Operation(
        method="delete",
        path="/api/v1/analysis/{public_id}",
        name="dismissAnalysis",
        summary=_("Cancel or delete an analysis"),
        description=_("One that waits or runs is cancelled and refunded; one that has ended is deleted."),
        auth=(BEARER,),
        parameters=(_ID,),
        answers={
            200: Answer(
                _("What became of it."),
                ref("AnalysisDismissed"),
                {"success": True, "analysis": {"id": "a1b2c3d4e5f6", "status": "deleted"}},
            )
        },
        errors=(*_OF_A_KEY, AnalysisNotFound),
        sample=Sample(auth=BEARER, path={"public_id": "ANALYSIS_ID"}),
        is_own=True,
        can_try=False,
    ),
    Operation(
        method="get",
        path="/api/v1/analyses",
        name="listAnalyses",
        summary=_("Your analyses"),
        auth=(BEARER,),
        parameters=(
            in_query("page", whole(minimum=1, default=1), _("The page, from 1.")),
            in_query(
                "per_page",
                whole(minimum=1, maximum=MOST_PER_PAGE, default=PER_PAGE),
                _("Entries on a page."),
            ),
        ),
        answers={
            200: Answer(
                _("A page of them, newest first."),
                ref("Analyses"),
                {
                    "success": True,
                    "analyses": [_LISTED_EXAMPLE],
                    "pagination": {"page": 1, "per_page": 20, "total": 1, "total_pages": 1},
                },
            )
        },
        errors=_OF_A_KEY,
        sample=Sample(auth=BEARER, query={"page": "1", "per_page": "20"}),
    ),
    Operation(
        method="get",
        path="/api/v1/usage",
        name="getUsage",
        summary=_("What was used, and what is left"),
        auth=(BEARER,),
        answers={
            200: Answer(
                _("The figures."),
                ref("DetectorUsage"),
                {
                    "success": True,
                    "usage": {
                        "credits_balance": 45,
                        "analyses_today": 12,
                        "analyses_week": 87,
                        "analyses_month": 342,
                    },
                    "limits": {
                        "tier": "pro",
                        "daily_api_limit": 100,
                        "daily_api_used": 12,
                        "daily_api_remaining": 88,
                    },
                },
            )
        },
        errors=_OF_A_KEY,
        sample=Sample(auth=BEARER),
    ),
)
