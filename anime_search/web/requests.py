"""What a search that was sent from the page says."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest

from anime_search.errors import ImageEmpty, ImageMissing
from core.surfaces import BodyMalformed, BodyTooLarge

#: Sent by the page's script, which wants the results alone and not the page around them.
FRAGMENT_HEADER = "Frameproof-Fragment"


@dataclass(frozen=True, slots=True)
class Question:
    """What is searched: the bytes of an uploaded picture or clip, else what is at ``url``."""

    image: bytes = b""
    url: str = ""


def parse_body(request: HttpRequest) -> None:
    """Have the form parsed, so that whatever is wrong with the body comes up here and nowhere else.

    Raises:
        BodyTooLarge: before a byte of it is read.
        BodyMalformed: the length is no number.
        Exception: what Django's parsers raise; :func:`core.surfaces.as_domain_error` knows them.
    """
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        raise BodyMalformed from None
    if length > settings.MAX_BODY_BYTES:
        raise BodyTooLarge
    # The page is UTF-8, and so is its form; a charset that is declared may be none that exists.
    request.encoding = "utf-8"
    request.FILES  # noqa: B018 - the parsers run on first access


def read_question(request: HttpRequest) -> Question:
    """Read the form: the file ``image``, else ``url``.

    Raises:
        ImageMissing, ImageEmpty: as the names say.
    """
    upload = request.FILES.get("image")
    if upload is not None:
        if not (image := upload.read()):
            raise ImageEmpty
        return Question(image=image)
    url = request.POST.get("url", "").strip()
    if not url:
        raise ImageMissing
    return Question(url=url)


def wants_fragment(request: HttpRequest) -> bool:
    """Whether only the results are to be rendered."""
    return FRAGMENT_HEADER in request.headers
