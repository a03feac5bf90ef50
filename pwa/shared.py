"""What somebody shared from another app: a file, or an address somewhere in the texts that came with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest

from accounts.errors import ShareForeign
from pwa.manifest import SHARED_FILE, SHARED_TEXTS

_ADDRESS: Final = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
#: Apps write an address at the end of a sentence.
_AFTER_ADDRESS: Final = ".,;:!?)]}»”’'。、，！？）」』"  # noqa: RUF001 - as they are written


@dataclass(frozen=True, slots=True)
class Shared:
    """What was shared.

    Attributes:
        picture: the bytes of a picture; empty where there is none.
        video: the file, where that is a video.
        url: the first address of the texts, empty where there is a file or none is named.
    """

    picture: bytes = b""
    video: UploadedFile[Any] | None = None
    url: str = ""


def check_sender(request: HttpRequest) -> None:
    """Let through only what the visitor has shared by the device's own menu.

    A share comes without the token that forms of our pages carry, with the visitor's cookies, and is a search that is
    counted: a foreign page that could send one would use up its readers' searches. What the browser itself begins on
    its user's word it marks ``Sec-Fetch-Site: none``; no page can set that header, or have it set so on anything that
    it sends. ``same-origin`` is refused like the rest: a service worker may have sent on what a foreign page began
    (ours leaves alone whatever is posted), and no page of ours posts here. Browsers that can share to a site all send
    the header, to https and to this machine itself.

    Raises:
        ShareForeign: it is not marked so.
    """
    if request.headers.get("Sec-Fetch-Site", "").strip().lower() != "none":
        raise ShareForeign


def read_shared(request: HttpRequest) -> Shared:
    """Read the share's form: the file counts before any address."""
    upload: UploadedFile[Any] | None = request.FILES.get(SHARED_FILE)
    if upload is not None:
        if (upload.content_type or "").startswith("video/"):
            return Shared(video=upload)
        return Shared(picture=upload.read())
    # Android names the address of a page in the text, and not in the field that is meant for it.
    for name in SHARED_TEXTS:
        if found := _ADDRESS.search(request.POST.get(name, "")):
            return Shared(url=found[0].rstrip(_AFTER_ADDRESS))
    return Shared()
