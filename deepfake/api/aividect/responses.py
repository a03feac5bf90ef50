"""What the aividect API answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from accounts.models import User
from apikeys.models import ApiKey
from credits.services import Snapshot
from deepfake.api.aividect.errors import error_body
from deepfake.models import Analysis
from deepfake.selectors import AnalysisCounts
from deepfake.services import failure_of

#: The document has a number here, and its language-neutral word where a tier is without limit ("무제한") is none.
UNLIMITED = None


def me_body(user: User, key: ApiKey | None, state: Snapshot) -> dict[str, Any]:
    """The user and the key; requests are counted for the user, whichever key they show."""
    return {
        "success": True,
        "user": {
            "id": user.pk,
            "username": user.name or user.email.partition("@")[0],
            "email": user.email,
            "tier": user.tier,
            "credits_balance": state.balance or 0,
        },
        "api_key": {
            "name": key.title if key else "",
            "prefix": key.prefix if key else "",
            "daily_requests": _used(state),
            "daily_limit": state.limits.daily,
        },
    }


def usage_body(tier: str, counts: AnalysisCounts, state: Snapshot) -> dict[str, Any]:
    """Analyses of today, of the last 7 and of the last 30 days, and what is left of the day's requests."""
    daily = state.limits.daily
    return {
        "success": True,
        "usage": {
            "credits_balance": state.balance or 0,
            "analyses_today": counts.today,
            "analyses_week": counts.week,
            "analyses_month": counts.month,
        },
        "limits": {
            "tier": tier,
            "daily_api_limit": daily,
            "daily_api_used": _used(state),
            "daily_api_remaining": UNLIMITED if daily is None else max(0, daily - _used(state)),
        },
    }


def analyze_body(analysis: Analysis, *, balance: int) -> dict[str, Any]:
    """The verdict on a video, as documented, and after it the evidence."""
    fake = analysis.thousandths_fake
    return {
        "success": True,
        "analysis_id": analysis.public_id,
        "result": analysis.result,
        "confidence": analysis.confidence,
        "prob_fake": fake / 1000,
        "prob_real": (1000 - fake) / 1000,
        "model": {"name": analysis.model_name, "version": analysis.model_version},
        "processing_time_ms": analysis.processing_time_ms,
        "credits_remaining": balance,
        "created_at": _iso(analysis.created_at),
        "evidence": _evidence(analysis),
    }


def accepted_body(analysis: Analysis, *, status_url: str) -> dict[str, Any]:
    """An analysis that was taken up, and where its verdict will be."""
    return {
        "success": True,
        "analysis_id": analysis.public_id,
        "status": analysis.status,
        "status_url": status_url,
        "created_at": _iso(analysis.created_at),
    }


def analysis_body(analysis: Analysis) -> dict[str, Any]:
    """One analysis with its evidence; one that is not done has its progress, or the reason."""
    return {"success": True, "analysis": {**_listed(analysis), "evidence": _evidence(analysis)}}


def analyses_body(rows: list[Analysis], *, page: int, per_page: int, total: int) -> dict[str, Any]:
    """A page of analyses, newest first."""
    return {
        "success": True,
        "analyses": [_listed(row) for row in rows],
        "pagination": {
            "page": page,
            "per_page": per_page,
            "total": total,
            "total_pages": max(1, -(-total // per_page)),
        },
    }


def dismissed_body(public_id: str, what: str) -> dict[str, Any]:
    """What became of an analysis that its owner does not want: ``cancelled``, or ``deleted``."""
    return {"success": True, "analysis": {"id": public_id, "status": what}}


def _listed(analysis: Analysis) -> dict[str, Any]:
    """The document's fields of an analysis; after them the state it is in."""
    told: dict[str, Any] = {
        "id": analysis.public_id,
        "result": analysis.result or None,
        "confidence": analysis.confidence,
        "source_type": analysis.source_type,
        "source_url": analysis.source_url or None,
        "created_at": _iso(analysis.created_at),
        "status": analysis.status,
    }
    if analysis.is_open:
        told["progress"] = {"stage": analysis.stage or None, "share": round(analysis.share, 3)}
    if (failure := failure_of(analysis)) is not None:
        told["error"] = error_body(failure)
    return told


def _evidence(analysis: Analysis) -> dict[str, Any] | None:
    """What the verdict stands on: everything of it that the document's own fields do not say."""
    if analysis.evidence is None:
        return None
    stored: dict[str, Any] = analysis.evidence
    frames: list[dict[str, Any]] = stored.get("frames", [])
    return {
        "manipulation": stored.get("manipulation"),
        "frames": [{name: value for name, value in frame.items() if name != "faces"} for frame in frames],
        "faces": [{"at_s": frame.get("at_s"), **face} for frame in frames for face in frame.get("faces", [])],
        **{name: stored.get(name) for name in ("quality", "provenance", "looked_at", "video", "model")},
    }


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _used(state: Snapshot) -> int:
    return state.quota.used if state.quota is not None else state.uncapped
