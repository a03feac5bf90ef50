"""Errors as a surface really renders them: its own table is asked, with an example of each kind."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from anime_search.errors import ImageFetchFailed
from core.errors import DomainError
from core.surfaces import ErrorTable, render_error
from credits.days import DayState
from credits.policies import Limits
from credits.services import Snapshot
from credits.windows import WindowState
from docs_site.document import code_and_text

#: The document does not change by being made at another time.
_MOMENT: Final = datetime(2026, 1, 1, tzinfo=UTC)
#: What errors tell besides their sentence; each table takes what it needs.
_FACTS: Final[dict[str, Any]] = {
    "url": "https://example.com/a.png",
    "snapshot": Snapshot(Limits(rate=10, daily=10), WindowState(10, 11, 60), DayState(10, 10, 60, _MOMENT)),
    "resets_at": _MOMENT,
    "retry_after_s": 60,
    "allowed": ["GET"],
}
#: Facts by which a dialect tells an error in another sentence, and the name of that.
_OTHERWISE: Final[dict[type[DomainError], tuple[dict[str, Any], str]]] = {
    ImageFetchFailed: ({"is_address": False}, "ImageAddressInvalid"),
}


@dataclass(frozen=True, slots=True)
class ErrorExample:
    """An error as a caller sees it.

    Attributes:
        name: of the condition, unique within a surface.
        code: the body's stable name; empty in dialects that have none.
        text: the body's sentence.
    """

    name: str
    status: int
    code: str
    text: str
    body: Any


def error_examples(table: ErrorTable, kind: type[DomainError]) -> list[ErrorExample]:
    """Render one kind of error by a surface's table, in each of the ways that it can come out."""
    found = [_rendered(table, kind, _FACTS)]
    if kind in _OTHERWISE:
        facts, name = _OTHERWISE[kind]
        other = replace(_rendered(table, kind, _FACTS | facts), name=name)
        if other.body != found[0].body:
            found.append(other)
    return found


def _rendered(table: ErrorTable, kind: type[DomainError], facts: dict[str, Any]) -> ErrorExample:
    response = render_error(table, kind(**facts))
    body: Any = json.loads(response.content)
    if isinstance(body, dict) and "resetAt" in body:
        body["resetAt"] = int(_MOMENT.timestamp())
    code, text = code_and_text(body)
    name = "InternalError" if kind is DomainError else kind.__name__
    return ErrorExample(name, response.status_code, code, text, body)
