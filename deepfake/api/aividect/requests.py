"""What a request of the aividect API says."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from rest_framework.request import Request

from core.surfaces import BodyTooLarge, json_object, plain_request
from credits.idempotency import NamedRequest
from deepfake.errors import UrlMissing
from deepfake.services import UploadedVideo, VideoAt

#: Analyses on a page where the request does not say, and at most, as documented.
PER_PAGE: Final = 20
MOST_PER_PAGE: Final = 100
_MOST_PAGE: Final = 100_000
#: Bytes of a body that holds no file.
_MOST_JSON_BYTES: Final = 64 * 1024
_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
#: A number as people write it; int() takes underscores and other scripts' digits too.
_WHOLE: Final = re.compile(r"-?[0-9]+")


@dataclass(frozen=True, slots=True)
class AnalyzeRequest:
    """An analysis that is asked for.

    Attributes:
        url: the address of the video; empty where ``upload`` is given.
        upload: the video itself.
        is_async: whether the caller asks for the verdict later (``Prefer: respond-async``, RFC 7240).
    """

    url: str
    upload: UploadedFile[Any] | None
    is_async: bool

    @property
    def source(self) -> VideoAt | UploadedVideo:
        if self.upload is None:
            return VideoAt(self.url)
        return UploadedVideo(self.upload.chunks(), self.upload.name or "")


@dataclass(frozen=True, slots=True)
class PageAsked:
    """A part of the list, counted from page 1."""

    page: int
    per_page: int


def read_analyze(request: Request) -> AnalyzeRequest:
    """Read the video off a JSON body or a form: ``url``, or in a form the file ``file``; of both, the file.

    A body without a content type is read as JSON, which is all that the document knows.

    Raises:
        UrlMissing, BodyMalformed, BodyTooLarge: as the names say.
    """
    http = plain_request(request)
    is_async = _prefers_async(request.headers.get("Prefer", ""))
    if http.content_type == "multipart/form-data":
        # On disk: as many files as the server has threads would be too much for its memory.
        http.upload_handlers = [TemporaryFileUploadHandler(http)]
        upload = http.FILES.get("file")
        if upload is not None:
            return AnalyzeRequest("", upload, is_async)
    elif int(request.META.get("CONTENT_LENGTH") or 0) > _MOST_JSON_BYTES:
        raise BodyTooLarge
    fields: dict[str, Any] = http.POST.dict() if http.content_type in _FORMS else json_object(http.body)
    url = fields.get("url")
    if not isinstance(url, str) or not url.strip():
        raise UrlMissing
    return AnalyzeRequest(url.strip(), None, is_async)


def read_name(request: Request, asked: AnalyzeRequest) -> NamedRequest | None:
    """The analysis under the name that the header ``Idempotency-Key`` gives it.

    Raises:
        IdempotencyKeyInvalid: the name is none.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if asked.upload is None:
        return NamedRequest.of(key, b"url", asked.url.encode(errors="surrogatepass"))
    digest = hashlib.sha256()
    for chunk in asked.upload.chunks():
        digest.update(chunk)
    return NamedRequest.of(key, b"file", digest.digest())


def read_page(request: Request) -> PageAsked:
    """Read ``page`` and ``per_page``; what is no number is the default, what is out of bounds the nearest that is not.

    A list is never refused for its page: the document names no error for it.
    """
    query = plain_request(request).GET
    return PageAsked(
        _bounded(query.get("page", ""), default=1, most=_MOST_PAGE),
        _bounded(query.get("per_page", ""), default=PER_PAGE, most=MOST_PER_PAGE),
    )


def _prefers_async(header: str) -> bool:
    names = (part.partition(";")[0].partition("=")[0] for part in header.split(","))
    return any(name.strip().lower() == "respond-async" for name in names)


def _bounded(text: str, *, default: int, most: int) -> int:
    return min(most, max(1, int(text[:18]))) if _WHOLE.fullmatch(text) else default
