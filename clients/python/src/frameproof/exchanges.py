"""Requests and answers, whatever sends them: what the synchronous and the asynchronous client share."""

from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Final, Generic, TypeVar
from urllib.parse import quote

import httpx

from frameproof.decoding import decode
from frameproof.errors import ApiError, UnexpectedAnswer, api_error
from frameproof.models import (
    Account,
    Analysis,
    AnalysisPage,
    Ranking,
    RateLimit,
    RecentSearches,
    SearchResult,
    Usage,
)

Result = TypeVar("Result")

#: A picture or a video: the path of a file, its bytes, or its address (a text with ``://``).
Source = str | os.PathLike[str] | bytes

_FIRST_ERROR: Final = 400
_REDIRECTS: Final = range(300, 400)
_ITEM: Final = re.compile(r'"(?P<name>[^"]+)"(?P<rest>[^,]*)')
_PARAMETER: Final = re.compile(r";\s*(\w+)=(\d+)")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in a form; it is opened anew for each attempt."""

    field: str
    source: Path | bytes

    @contextmanager
    def opened(self) -> Iterator[dict[str, tuple[str, BinaryIO | bytes]]]:
        """The form's files, as httpx takes them.

        Raises:
            OSError: the file cannot be read.
        """
        if isinstance(self.source, bytes):
            yield {self.field: ("upload", self.source)}
            return
        with self.source.open("rb") as file:
            yield {self.field: (self.source.name, file)}


@dataclass(frozen=True, slots=True)
class Exchange(Generic[Result]):
    """One request, and how its answer is read.

    Attributes:
        repeatable: whether it can be sent again without being charged again, or doing something again.
        timeout_s: for an answer that takes longer than others; None is the client's own.
    """

    method: str
    path: str
    read: Callable[[Any, dict[str, RateLimit]], Result]
    repeatable: bool
    params: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    upload: Upload | None = None
    timeout_s: float | None = None

    def read_answer(self, response: httpx.Response) -> Result:
        """What an answer says.

        Raises:
            ApiError: that the request was refused.
            UnexpectedAnswer: nothing that a Frameproof server would.
        """
        if response.status_code in _REDIRECTS:
            raise UnexpectedAnswer(
                f"redirected to {response.headers.get('Location', '?')}: use that host instead"
            )
        if response.status_code >= _FIRST_ERROR:
            raise error_of(response)
        try:
            body = response.json()
        except (ValueError, RecursionError):
            raise UnexpectedAnswer(f"{self.path}: the answer is not JSON") from None
        return self.read(body, rate_limits(response.headers))


def error_of(response: httpx.Response) -> ApiError:
    """The error that an answer tells, in either of the two shapes that the APIs have."""
    code, message = "", f"The server answered {response.status_code}."
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        body = None
    told = body.get("error") if isinstance(body, dict) else None
    if isinstance(told, dict):
        code, message = str(told.get("code", "")), str(told.get("message", message))
    elif isinstance(told, str) and isinstance(body, dict):
        code, message = str(body.get("code", "")), told
    return api_error(response.status_code, code, message, retry_after(response.headers))


def retry_after(headers: httpx.Headers) -> float | None:
    """Seconds of the header ``Retry-After``; None where it has none (as a date, which our servers never send)."""
    text = headers.get("Retry-After", "").strip()
    return float(text) if text.isascii() and text.isdecimal() else None


def rate_limits(headers: httpx.Headers) -> dict[str, RateLimit]:
    """The limits that the headers ``RateLimit-Policy`` and ``RateLimit`` tell, by name."""
    policies = _items(headers.get("RateLimit-Policy", ""))
    return {
        name: RateLimit(
            name=name,
            limit=policies.get(name, {}).get("q", 0),
            remaining=left.get("r", 0),
            resets_in_s=left.get("t", 0),
            window_s=policies.get(name, {}).get("w", 0),
        )
        for name, left in _items(headers.get("RateLimit", "")).items()
    }


def _items(header: str) -> dict[str, dict[str, int]]:
    return {
        item["name"]: {name: int(value) for name, value in _PARAMETER.findall(item["rest"])}
        for item in _ITEM.finditer(header)
    }


def search(image: Source, idempotency_key: str | None) -> Exchange[SearchResult]:
    """``POST /api/anime/search``."""
    url, upload = _source(image, "image")
    return Exchange(
        "POST",
        "/api/anime/search",
        lambda body, limits: replace(decode(SearchResult, body), limits=limits),
        repeatable=True,
        headers=_named(idempotency_key),
        body=None if url is None else {"url": url},
        upload=upload,
    )


def detect(
    video: Source, idempotency_key: str | None, *, is_async: bool, timeout_s: float | None = None
) -> Exchange[Analysis]:
    """``POST /api/v1/analyze``: the verdict itself, or the promise of one."""
    url, upload = _source(video, "file")
    return Exchange(
        "POST",
        "/api/v1/analyze",
        _read_analysis,
        repeatable=True,
        headers=_named(idempotency_key) | ({"Prefer": "respond-async"} if is_async else {}),
        body=None if url is None else {"url": url},
        upload=upload,
        timeout_s=timeout_s,
    )


def get_analysis(analysis_id: str) -> Exchange[Analysis]:
    """``GET /api/v1/analysis/{id}``."""
    return Exchange("GET", f"/api/v1/analysis/{quote(analysis_id, safe='')}", _read_analysis, repeatable=True)


def dismiss(analysis_id: str) -> Exchange[str]:
    """``DELETE /api/v1/analysis/{id}``: once cancels, and again deletes, so that it must not be repeated."""
    return Exchange(
        "DELETE",
        f"/api/v1/analysis/{quote(analysis_id, safe='')}",
        lambda body, limits: decode(Analysis, _part(body, "analysis")).status,
        repeatable=False,
    )


def analyses(page: int, per_page: int) -> Exchange[AnalysisPage]:
    """``GET /api/v1/analyses``."""
    return Exchange(
        "GET",
        "/api/v1/analyses",
        lambda body, limits: decode(AnalysisPage, body),
        repeatable=True,
        params={"page": str(page), "per_page": str(per_page)},
    )


def account() -> Exchange[Account]:
    """``GET /api/v1/me``."""
    return Exchange("GET", "/api/v1/me", lambda body, limits: decode(Account, body), repeatable=True)


def usage() -> Exchange[Usage]:
    """``GET /api/v1/usage``."""
    return Exchange("GET", "/api/v1/usage", lambda body, limits: decode(Usage, body), repeatable=True)


def rankings(period: str, limit: int, *, include_adult: bool) -> Exchange[Ranking]:
    """``GET /api/anime/rankings``."""
    return Exchange(
        "GET",
        "/api/anime/rankings",
        lambda body, limits: decode(Ranking, body),
        repeatable=True,
        params={"period": period, "limit": str(limit), **_adult(include_adult)},
    )


def recent_searches(limit: int, offset: int, *, include_adult: bool) -> Exchange[RecentSearches]:
    """``GET /api/anime/recent-searches``."""
    return Exchange(
        "GET",
        "/api/anime/recent-searches",
        lambda body, limits: decode(RecentSearches, body),
        repeatable=True,
        params={"limit": str(limit), "offset": str(offset), **_adult(include_adult)},
    )


def failure_of(analysis: Analysis) -> ApiError | None:
    """Why an analysis ended without a verdict, as the error that it was."""
    if analysis.error is None:
        return None
    return api_error(0, analysis.error.code, analysis.error.message)


def poll_waits() -> Iterator[float]:
    """Seconds between two looks at an analysis: each look is one of the day's requests."""
    yield from (1.0, 2.0, 4.0, 8.0)
    while True:
        yield 15.0


def _read_analysis(body: Any, limits: dict[str, RateLimit]) -> Analysis:
    """An analysis in any of the three shapes that answers have."""
    told = body.get("analysis", body) if isinstance(body, dict) else body
    if isinstance(told, dict) and "id" not in told and "analysis_id" in told:
        told = {**told, "id": told["analysis_id"]}
    return replace(decode(Analysis, told), limits=limits)


def _part(body: Any, name: str) -> Any:
    return body.get(name) if isinstance(body, dict) else None


def _adult(include: bool) -> dict[str, str]:
    return {"includeAdult": "true"} if include else {}


def _named(idempotency_key: str | None) -> dict[str, str]:
    """A name for the request, so that whatever is sent twice is charged once."""
    return {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}


def _source(source: Source, field_name: str) -> tuple[str | None, Upload | None]:
    if isinstance(source, bytes):
        return None, Upload(field_name, source)
    if isinstance(source, str) and "://" in source:
        return source, None
    return None, Upload(field_name, Path(source).expanduser())
