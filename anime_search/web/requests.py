"""What a search that was sent from the page says."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.http import HttpRequest, QueryDict

from anime_search.errors import AnimeUnknown, ImageEmpty, ImageMissing
from anime_search.models import Anime

#: Sent by the page's script, which wants the results alone and not the page around them.
FRAGMENT_HEADER = "Frameproof-Fragment"
_NUMBER = re.compile(r"[0-9]{1,10}")


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


def read_only_in(fields: QueryDict) -> Anime | None:
    """Read ``anime``: the title to look in; None where it is not named.

    Raises:
        AnimeUnknown: there is none of that number.
    """
    number = fields.get("anime", "")
    if not number:
        return None
    # int() takes other scripts' digits, underscores and white space too.
    anime = Anime.objects.filter(anilist_id=int(number)).first() if _NUMBER.fullmatch(number) else None
    if anime is None:
        raise AnimeUnknown
    return anime


def wants_fragment(request: HttpRequest) -> bool:
    """Whether only the results are to be rendered."""
    return FRAGMENT_HEADER in request.headers
