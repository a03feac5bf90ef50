"""What a request of today's trace.moe API says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rest_framework.request import Request

from anime_search.errors import ImageEmpty, ImageMissing
from core.surfaces import plain_request

#: Bodies that are the picture itself; curl's ``--data-binary`` sends a form's type where none is named.
_RAW = ("image/", "video/", "application/octet-stream", "application/x-www-form-urlencoded")
#: AniList's ids are far below; a longer number names nothing.
_MOST_DIGITS = 9
_NO_TITLE = 2**31 - 1


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search.

    Attributes:
        media: the bytes of a picture or of a video; empty where ``url`` is given.
        url: the address of one.
        anilist_id: the title to look in; None for all.
        anilist_info: whether results carry the title's names and not its number alone.
    """

    media: bytes
    url: str
    anilist_id: int | None
    anilist_info: bool


def read_search(request: Request) -> SearchRequest:
    """Read a search: ``?url=`` goes before the first uploaded file, and this before a raw body.

    Flags count by being there, whatever they are set to; ``anilistID`` counts if it is a number above 0. ``cutBorders``
    changes nothing: a search always looks at the picture with and without its plain borders.

    Raises:
        ImageMissing, ImageEmpty: as the names say.
    """
    query = request.query_params
    url = query.get("url", "").strip()
    return SearchRequest(
        media=b"" if url else _media(request),
        url=url,
        anilist_id=_anilist_id(query.get("anilistID", "")),
        anilist_info="anilistInfo" in query,
    )


def read_key(request: Request) -> str:
    """The API key of the header ``x-trace-key``, else of ``?key=``; empty where there is none."""
    return request.headers.get("x-trace-key") or request.query_params.get("key", "")


def _media(request: Request) -> bytes:
    http = plain_request(request)
    if http.method != "POST":
        raise ImageMissing
    if http.content_type == "multipart/form-data":
        # The first of all: ``values()`` would give the last of each name.
        upload: Any = next((file for _, files in http.FILES.lists() for file in files), None)
        if upload is None:
            raise ImageMissing
        media: bytes = upload.read()
    elif (http.content_type or "").startswith(_RAW):
        media = http.body
        if not media:
            raise ImageMissing
    else:
        raise ImageMissing
    if not media:
        raise ImageEmpty
    return media


def _anilist_id(text: str) -> int | None:
    if not (text.isascii() and text.isdigit()):
        return None
    digits = text.lstrip("0")
    if not digits:
        # Clients send 0 where nobody chose a title.
        return None
    return int(digits) if len(digits) <= _MOST_DIGITS else _NO_TITLE
