"""What requests of ``/api/apikeys`` say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rest_framework.request import Request

from apikeys.errors import KeyExpiryInvalid, KeyTitleInvalid
from core.surfaces import BodyMalformed, json_object, plain_request

#: Keys on a page where the request does not say, and at most.
PAGE_SIZE = 20
MOST_PAGE_SIZE = 100
_MOST_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that is asked for."""

    title: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class PageAsked:
    """A part of the list, counted from page 1."""

    page: int
    page_size: int


def read_new_key(request: Request) -> NewKey:
    """Read ``title`` and, where there is one, ``expiresAt`` (ISO 8601) off a JSON body or a form.

    Raises:
        BodyMalformed, KeyTitleInvalid, KeyExpiryInvalid: as the names say.
    """
    http = plain_request(request)
    form = http.content_type in ("application/x-www-form-urlencoded", "multipart/form-data")
    fields: dict[str, Any] = http.POST.dict() if form else json_object(http.body)
    title = fields.get("title")
    if not isinstance(title, str):
        raise KeyTitleInvalid
    return NewKey(title, _moment(fields.get("expiresAt")))


def read_page(request: Request) -> PageAsked:
    """Read ``page`` and ``pageSize``; what is no number, or out of bounds, is the nearest that is.

    A list is never refused for its page: the document names no error for it.
    """
    query = plain_request(request).GET
    return PageAsked(
        _bounded(query.get("page", ""), 1, _MOST_PAGE),
        _bounded(query.get("pageSize", ""), PAGE_SIZE, MOST_PAGE_SIZE),
    )


def read_found_key(request: Request) -> str:
    """The key that somebody found: the field ``key`` of a JSON body or a form.

    Raises:
        BodyMalformed: there is none.
    """
    http = plain_request(request)
    form = http.content_type in ("application/x-www-form-urlencoded", "multipart/form-data")
    key = (http.POST.dict() if form else json_object(http.body)).get("key")
    if not isinstance(key, str):
        raise BodyMalformed("The field 'key' is required.")
    return key.strip()


def _moment(value: object) -> datetime | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise KeyExpiryInvalid
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise KeyExpiryInvalid from None


def _bounded(text: str, default: int, most: int) -> int:
    if not (text.isascii() and text.isdigit()):
        return default
    return min(max(int(text[:9]), 1), most)
