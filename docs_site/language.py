"""The language of the documentation: as the reader chose, else as the browser asks."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation.trans_real import parse_accept_lang_header

#: The parameter by which a reader chooses.
PARAMETER: Final = "lang"
#: Languages that these pages have besides those of the whole site: the first document that they follow is Korean.
_OWN: Final = (("en", "English"), ("ko", "한국어"))


def languages() -> dict[str, str]:
    """Languages that the pages can be read in, by their codes, under their own names."""
    return {**dict(_OWN), **{code: str(name) for code, name in settings.LANGUAGES if code != "en"}}


def language_of(request: HttpRequest) -> str:
    """The language to answer in: one of :func:`languages`."""
    offered = languages()
    if (chosen := request.GET.get(PARAMETER, "")) in offered:
        return chosen
    active = get_language() or settings.LANGUAGE_CODE
    if active != settings.LANGUAGE_CODE and active in offered:
        return active
    for asked, _share in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        for code in (asked, asked.partition("-")[0]):
            if code in offered:
                return code
    return settings.LANGUAGE_CODE
