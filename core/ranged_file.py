"""A file as a response that players can seek in: byte ranges and revalidation (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.cache import get_conditional_response

#: One range; several at once are a right of the server to ignore, and no player asks for them.
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.IGNORECASE)


def file_response(
    request: HttpRequest, path: Path, *, etag: str, content_type: str, headers: Mapping[str, str]
) -> HttpResponse:
    """The whole file, the part of it that is asked for, or word that the caller has it already.

    The file is read at once: it is meant for clips and pictures of a few megabytes.

    Args:
        etag: of the file's bytes, without quotes.
        headers: of every answer but a refusal.

    Raises:
        OSError: the file cannot be read.
    """
    quoted = f'"{etag}"'
    content = path.read_bytes()
    asked = request.headers.get("Range", "") if request.method == "GET" else ""
    if asked and request.headers.get("If-Range", quoted) != quoted:
        asked = ""
    part = _part(asked, len(content))
    if part is not None and part.start >= part.stop:
        response = HttpResponse(status=416, content_type=content_type)
        response["Content-Range"] = f"bytes */{len(content)}"
        return response
    response = HttpResponse(content[part.start : part.stop] if part else content, content_type=content_type)
    if part is not None:
        response.status_code = 206
        response["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{len(content)}"
    response["ETag"] = quoted
    response["Accept-Ranges"] = "bytes"
    for name, value in headers.items():
        response[name] = value
    whole: HttpResponse = get_conditional_response(request, etag=quoted, response=response) or response
    return whole


def known_response(request: HttpRequest, *, etag: str, headers: Mapping[str, str]) -> HttpResponse | None:
    """Word that the caller has these bytes already, or wants only others; None where they are to be sent.

    Args:
        etag: of the bytes, without quotes.
        headers: of every answer.
    """
    blank = HttpResponse(headers=dict(headers) | {"ETag": f'"{etag}"'})
    known: HttpResponse | None = get_conditional_response(request, etag=f'"{etag}"', response=blank)
    return None if known is blank else known


def may_stream(request: HttpRequest) -> bool:
    """Whether an answer of unknown length is understood: whoever asks for a range must be told the length.

    HTTP/1.0 knows the end of such an answer from the end of the connection alone, where one that broke off would
    look whole.
    """
    is_modern = request.META.get("SERVER_PROTOCOL", "") not in ("", "HTTP/0.9", "HTTP/1.0")
    return request.method == "GET" and is_modern and "Range" not in request.headers


def stream_response(
    pieces: Iterable[bytes], *, etag: str, content_type: str, headers: Mapping[str, str]
) -> StreamingHttpResponse:
    """A file that is sent while it comes into being; once it is there, :func:`file_response` has ranges of it.

    Args:
        pieces: closed when the client has all, or hangs up, if there is something to close.
        etag: of the whole file's bytes, without quotes.
    """
    response = StreamingHttpResponse(pieces, content_type=content_type)
    response["ETag"] = f'"{etag}"'
    response["Accept-Ranges"] = "bytes"
    for name, value in headers.items():
        response[name] = value
    return response


def _part(asked: str, size: int) -> range | None:
    """The bytes that a ``Range`` asks for; an empty range where there are none, None for all of them."""
    found = _RANGE.fullmatch(asked.strip())
    if found is None or found[1] == found[2] == "":
        return None
    if not found[1]:
        return range(max(0, size - int(found[2])), size)
    first = int(found[1])
    last = int(found[2]) if found[2] else size - 1
    if last < first and found[2]:
        return None
    return range(first, min(last + 1, size))
