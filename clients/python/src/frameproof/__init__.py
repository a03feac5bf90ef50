"""Ask a Frameproof server which anime a screenshot is from, and whether a video is real or AI-made."""

from __future__ import annotations

from frameproof.asynchronous import AsyncClient
from frameproof.client import Client
from frameproof.errors import (
    AccessDenied,
    AnalysisFailed,
    ApiError,
    ConnectionFailed,
    DownloadFailed,
    FrameproofError,
    LimitExceeded,
    MediaRefused,
    NotFound,
    OutOfCredits,
    RequestRefused,
    ServiceUnavailable,
    StillRunning,
    UnexpectedAnswer,
)
from frameproof.models import (
    Account,
    Analysis,
    AnalysisPage,
    Candidate,
    RankedTitle,
    Ranking,
    RateLimit,
    RecentSearch,
    SearchResult,
    Usage,
)
from frameproof.retries import RetryPolicy

__version__ = "0.1.0"

__all__ = [
    "AccessDenied",
    "Account",
    "Analysis",
    "AnalysisFailed",
    "AnalysisPage",
    "ApiError",
    "AsyncClient",
    "Candidate",
    "Client",
    "ConnectionFailed",
    "DownloadFailed",
    "FrameproofError",
    "LimitExceeded",
    "MediaRefused",
    "NotFound",
    "OutOfCredits",
    "RankedTitle",
    "Ranking",
    "RateLimit",
    "RecentSearch",
    "RequestRefused",
    "RetryPolicy",
    "SearchResult",
    "ServiceUnavailable",
    "StillRunning",
    "UnexpectedAnswer",
    "Usage",
]
