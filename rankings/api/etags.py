"""Answers that a client asks for again and again, and that seldom changed meanwhile."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.utils.http import parse_etags

#: Seconds that anybody, a shared cache too, may use an answer again without asking.
MAX_AGE_S: Final = 60


def etag_of(facts: object, *, weak: bool = False) -> str:
    """The tag of an answer by its facts; a weak one where the answer says them in other bytes each time."""
    said = json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode()
    return f'{"W/" if weak else ""}"{hashlib.sha256(said).hexdigest()[:32]}"'


def answered(request: HttpRequest, body: dict[str, Any], etag: str) -> HttpResponse:
    """The answer, or 304 where ``If-None-Match`` has its tag (RFC 9110: compared without the mark of weakness)."""
    asked = [tag.removeprefix("W/") for tag in parse_etags(request.headers.get("If-None-Match", ""))]
    known = "*" in asked or etag.removeprefix("W/") in asked
    response = (
        HttpResponseNotModified() if known else JsonResponse(body, json_dumps_params={"ensure_ascii": False})
    )
    response["ETag"] = etag
    response["Cache-Control"] = f"public, max-age={MAX_AGE_S}"
    return response
