"""An analysis as a file to take along."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from deepfake.models import Analysis


def analysis_export(analysis: Analysis) -> dict[str, Any]:
    """Everything that is known of an analysis with a verdict, as JSON can hold it."""
    fake = analysis.thousandths_fake
    return {
        "id": analysis.public_id,
        "result": analysis.result,
        "probability_fake": fake / 1000,
        "probability_real": (1000 - fake) / 1000,
        "source": {
            "type": analysis.source_type,
            "url": analysis.source_url or None,
            "title": analysis.title or None,
        },
        "asked_at": _iso(analysis.created_at),
        "ended_at": _iso(analysis.ended_at) if analysis.ended_at is not None else None,
        "processing_time_ms": analysis.processing_time_ms,
        "model": {
            "name": analysis.model_name,
            "version": analysis.model_version,
            "sha256": analysis.model_sha256,
        },
        "evidence": analysis.evidence,
    }


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
