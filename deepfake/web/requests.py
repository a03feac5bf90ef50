"""What is asked of the pages of the detector."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest

from accounts.principal import Principal
from core.pages import parse_form
from credits.idempotency import NamedRequest
from deepfake.errors import UrlMissing
from deepfake.held import held_video
from deepfake.services import UploadedVideo, VideoAt

#: Sent by the pages' scripts, which want a part of a page and not the page around it.
FRAGMENT_HEADER: Final = "Frameproof-Fragment"
#: Letters of the form's own name that count.
_MOST_NAME: Final = 64


@dataclass(frozen=True, slots=True)
class Question:
    """A video that is asked about: a file, else an address, else a file that was handed over before.

    Attributes:
        held: the token of that one (:mod:`deepfake.held`).
        keep_file: whether an uploaded file is to stay with the verdict.
        name: of the request: the same form sent twice with the same video is one request.
    """

    url: str
    upload: UploadedFile[Any] | None
    held: str
    keep_file: bool
    name: NamedRequest | None

    def source(self, principal: Principal) -> VideoAt | UploadedVideo:
        """What the service is asked for.

        Raises:
            SourceGone: the file that was handed over is not the caller's, or not there any more.
        """
        if self.upload is None:
            return held_video(principal=principal, token=self.held) if self.held else VideoAt(self.url)
        return UploadedVideo(self.upload.chunks(), self.upload.name or "")


def parse_video_form(request: HttpRequest) -> None:
    """Have the form parsed, its file to disk: as many files as the server has threads would fill its memory.

    Raises:
        Exception: as :func:`core.pages.parse_form`.
    """
    request.upload_handlers = [TemporaryFileUploadHandler(request)]
    parse_form(request)


def read_question(request: HttpRequest) -> Question:
    """Read the form: the file ``video``, else ``url``, else ``held``.

    Raises:
        UrlMissing: neither is there.
    """
    upload = request.FILES.get("video")
    url = "" if upload is not None else request.POST.get("url", "").strip()
    held = "" if upload is not None or url else request.POST.get("held", "")
    if upload is None and not url and not held:
        raise UrlMissing
    digest = hashlib.sha256((url or held).encode(errors="surrogatepass"))
    for chunk in upload.chunks() if upload is not None else ():
        digest.update(chunk)
    # The form may be sent again with another video, after going back to it.
    name = once_of(request, "page", digest.hexdigest())
    return Question(url, upload, held, request.POST.get("keep") == "yes", name)


def once_of(request: HttpRequest, *parts: str) -> NamedRequest | None:
    """A request under the form's own name, so that one that is sent twice is one request.

    Args:
        parts: all that it asks.
    """
    name = request.POST.get("once", "")[:_MOST_NAME]
    if not (name.isascii() and name.isalnum()):
        return None
    asked = ":".join(parts)
    return NamedRequest.of(f"page:{name}:{hashlib.sha256(asked.encode()).hexdigest()[:32]}", asked.encode())


def wants_fragment(request: HttpRequest) -> bool:
    """Whether only a part of the page is to be rendered."""
    return FRAGMENT_HEADER in request.headers
