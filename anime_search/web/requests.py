"""What a search that was sent from the page says."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

from anime_search.errors import ImageEmpty, ImageMissing

#: Sent by the page's script, which wants the results alone and not the page around them.
FRAGMENT_HEADER = "Frameproof-Fragment"


@dataclass(frozen=True, slots=True)
class Question:
    """What is searched: the bytes of an uploaded picture or clip, else what is at ``url``."""

    image: bytes = b""
    url: str = ""


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
