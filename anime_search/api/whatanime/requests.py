"""What a request of the whatanimeisthis API says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rest_framework.request import Request

from anime_search.errors import ImageEmpty, ImageMissing
from core.surfaces import json_object, plain_request
from credits.idempotency import NamedRequest


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search: the bytes of a picture, an animation or a video, or the address of one."""

    image: bytes = b""
    url: str = ""


def read_search(request: Request) -> SearchRequest:
    """Read a search from a form or a JSON body: the file ``image``, else ``url``; of both, the file.

    Raises:
        ImageMissing, ImageEmpty, BodyMalformed: as the names say.
    """
    http = plain_request(request)
    if http.content_type == "application/json":
        fields: dict[str, Any] = json_object(http.body)
    else:
        upload = http.FILES.get("image")
        if upload is not None:
            if not (image := upload.read()):
                raise ImageEmpty
            return SearchRequest(image=image)
        fields = http.POST.dict()
    url = fields.get("url")
    if not isinstance(url, str) or not url.strip():
        raise ImageMissing
    return SearchRequest(url=url.strip())


def read_name(request: Request, search: SearchRequest) -> NamedRequest | None:
    """The search under the name that the header ``Idempotency-Key`` gives it.

    Raises:
        IdempotencyKeyInvalid: the name is none.
    """
    return NamedRequest.of(
        request.headers.get("Idempotency-Key"), search.image, search.url.encode(errors="surrogatepass")
    )
