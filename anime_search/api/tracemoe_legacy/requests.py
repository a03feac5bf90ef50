"""What a request of the old trace.moe API says."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from rest_framework.request import Request

from anime_search.errors import ImageEmpty, ImageMissing, ImageUndecodable
from anime_search.fetch import fetch_image
from core.surfaces import BodyMalformed, plain_request

_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")
#: AniList's ids are far below; a larger number only names nothing.
_LARGEST_ID = 2**31 - 1


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search: the picture's bytes, and the one title to look in (None for all)."""

    image: bytes
    anilist_id: int | None


def read_search(request: Request) -> SearchRequest:
    """Read a search from a form, a JSON body of any content type, an uploaded file, or ``?url=``.

    Raises:
        ImageMissing, ImageEmpty, ImageUndecodable, ImageFetchFailed, BodyMalformed: as the names say.
    """
    http = plain_request(request)
    if http.content_type == "multipart/form-data":
        fields: dict[str, Any] = http.POST.dict()
        uploads: list[UploadedFile[Any]] = [file for _, file in http.FILES.items()]
        if uploads:
            return SearchRequest(_not_empty(uploads[0].read()), _anilist_id(fields.get("filter")))
    else:
        fields = _fields(http.body, http.encoding or "utf-8")
    anilist_id = _anilist_id(fields.get("filter"))
    if (image := fields.get("image")) is not None:
        return SearchRequest(_image_of(image), anilist_id)
    if url := http.GET.get("url"):
        return SearchRequest(_not_empty(fetch_image(url)), anilist_id)
    raise ImageMissing


def _fields(body: bytes, encoding: str) -> dict[str, Any]:
    """The fields of a form or of a JSON object, told apart by how the body begins: clients send either as either."""
    text = body.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith((b"{", b"[", b'"')) or text in (b"null", b"true", b"false"):
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            raise BodyMalformed from None
        return parsed if isinstance(parsed, dict) else {}
    try:
        return QueryDict(text, encoding=encoding).dict()
    except (UnicodeError, LookupError, ValueError):
        raise BodyMalformed from None


def _image_of(value: Any) -> bytes:
    """Decode base64 as the original did: a data URI's head is dropped, spaces are plus signs, padding is optional."""
    if not isinstance(value, str):
        raise ImageUndecodable
    data = value.split(",", 1)[-1].replace(" ", "+").replace("-", "+").replace("_", "/")
    data = _NOT_BASE64.sub("", data)
    if not data:
        raise ImageEmpty
    # A single character over whole groups of four holds no byte.
    data = data[: len(data) - (len(data) % 4 == 1)]
    try:
        return _not_empty(base64.b64decode(data + "=" * (-len(data) % 4)))
    except binascii.Error as error:
        raise ImageUndecodable from error


def _not_empty(image: bytes) -> bytes:
    if not image:
        raise ImageEmpty
    return image


def _anilist_id(value: Any) -> int | None:
    """``filter``: 0, nothing, and what is no number mean no filter."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        value = int(value) if value.is_integer() and abs(value) <= _LARGEST_ID else None
    if isinstance(value, str):
        value = int(value) if re.fullmatch(r"[0-9]{1,18}", value.strip()) else None
    if not isinstance(value, int) or value <= 0:
        return None
    return min(value, _LARGEST_ID)
