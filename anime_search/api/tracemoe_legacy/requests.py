"""What a request of the old trace.moe API says."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, QueryDict
from rest_framework.request import Request

from anime_search.errors import ImageEmpty, ImageMissing, ImageUndecodable, PreviewTimeInvalid
from anime_search.previews import LATEST_S
from core.surfaces import BodyMalformed, plain_request

_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")
_NUMBER = re.compile(r"[+-]?[0-9]{1,400}(\.[0-9]{0,400})?([eE][+-]?[0-9]{1,4})?")
#: AniList's ids are far below; a number beyond them only names nothing.
_NO_TITLE = 2**31 - 1


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search: the bytes of a picture, or the address of one, and the title to look in (None: all)."""

    image: bytes = b""
    url: str = ""
    anilist_id: int | None = None


@dataclass(frozen=True, slots=True)
class PreviewRequest:
    """What every preview's address says beside its file; ``at_s`` is a number of seconds that a video could have."""

    at_s: float
    token: str


def read_search(request: Request) -> SearchRequest:
    """Read a search from a form, a JSON body of any content type, an uploaded file, or ``?url=``.

    Raises:
        ImageMissing, ImageEmpty, ImageUndecodable, BodyMalformed: as the names say.
    """
    http = plain_request(request)
    fields, upload = _sent(http)
    anilist_id = _anilist_id(fields.get("filter"))
    if upload is not None:
        return SearchRequest(image=_not_empty(upload.read()), anilist_id=anilist_id)
    if (image := fields.get("image")) is not None:
        return SearchRequest(image=_image_of(image), anilist_id=anilist_id)
    if url := http.GET.get("url"):
        return SearchRequest(url=url, anilist_id=anilist_id)
    raise ImageMissing


def read_key(request: Request) -> str:
    """The API key of ``?token=``; empty where there is none."""
    return request.query_params.get("token", "")


def read_preview(request: Request) -> PreviewRequest:
    """Read the address of a preview.

    Raises:
        PreviewTimeInvalid: ``t`` is no time.
    """
    query = request.query_params
    try:
        at_s = float(query.get("t", ""))
    except ValueError:
        raise PreviewTimeInvalid from None
    # Written so that NaN, which no comparison holds for, is refused as well.
    if not 0 <= at_s <= LATEST_S:
        raise PreviewTimeInvalid
    return PreviewRequest(at_s=at_s, token=query.get("token", ""))


def read_name(request: Request) -> tuple[str, str]:
    """The file that ``thumbnail.php`` and ``preview.php`` are asked for: ``anilist_id`` and ``file``."""
    return request.query_params.get("anilist_id", ""), request.query_params.get("file", "")


def is_mute(request: Request) -> bool:
    """Whether a preview is to have no sound: the flag ``mute``, whatever it is set to."""
    return "mute" in request.query_params


def _sent(http: HttpRequest) -> tuple[dict[str, Any], UploadedFile[Any] | None]:
    """The fields of the body, and the first uploaded file."""
    # Clients set the content type of a form by hand, without the boundary that a form has.
    if http.content_type != "multipart/form-data" or "boundary" not in (http.content_params or {}):
        return _fields(http.body), None
    upload: Any = next(iter(http.FILES.values()), None)
    return http.POST.dict(), upload


def _fields(body: bytes) -> dict[str, Any]:
    """The fields of a form or of a JSON object, told apart by how the body begins: clients send either as either."""
    try:
        # RFC 4627, section 3: how JSON begins tells which UTF it is in. A form is ASCII.
        text = body.decode(json.detect_encoding(body)).strip()
    except UnicodeDecodeError:
        text = body.decode("latin-1").strip()
    if text.startswith(("{", "[", '"')) or text in ("null", "true", "false"):
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            raise BodyMalformed from None
        return parsed if isinstance(parsed, dict) else {}
    return QueryDict(text, encoding="utf-8").dict()


def _image_of(value: Any) -> bytes:
    """Decode base64 as the original did: what precedes the first comma is dropped, and so is all that is no base64.

    A form turns a plus sign that was not escaped into a space. Where a plus sign is left, none was turned,
    and spaces are mere white space as in MIME.
    """
    if not isinstance(value, str):
        raise ImageUndecodable
    data = value.split(",", 1)[-1].replace("-", "+").replace("_", "/")
    if "+" not in data:
        data = data.replace(" ", "+")
    data = _NOT_BASE64.sub("", data)
    # A single character over whole groups of four holds no byte.
    data = data[: len(data) - (len(data) % 4 == 1)]
    return _not_empty(base64.b64decode(data + "=" * (-len(data) % 4)))


def _not_empty(image: bytes) -> bytes:
    if not image:
        raise ImageEmpty
    return image


def _anilist_id(value: Any) -> int | None:
    """``filter``: 0, nothing, and what is no number mean no filter; a number that no title has finds nothing."""
    if isinstance(value, str):
        value = float(value) if _NUMBER.fullmatch(value.strip()) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    if not abs(value) < _NO_TITLE:
        return _NO_TITLE
    anilist_id = int(value)
    return _NO_TITLE if anilist_id < 0 else anilist_id or None
