"""What a request of the whatanimeisthis API says."""

from __future__ import annotations

import json
from typing import Any

from rest_framework.request import Request

from anime_search.errors import ImageEmpty, ImageMissing
from anime_search.fetch import fetch_image
from core.surfaces import BodyMalformed, plain_request


def read_image_bytes(request: Request) -> bytes:
    """The picture of a search: the file ``image``, else what is at ``url``, of a form or of a JSON body.

    Raises:
        ImageMissing, ImageEmpty, ImageFetchFailed, BodyMalformed: as the names say.
    """
    http = plain_request(request)
    if http.content_type == "application/json":
        fields: dict[str, Any] = _json_object(http.body)
    else:
        upload = http.FILES.get("image")
        if upload is not None:
            image: bytes = upload.read()
            if not image:
                raise ImageEmpty
            return image
        fields = http.POST.dict()
    url = fields.get("url")
    if not isinstance(url, str) or not url.strip():
        raise ImageMissing
    return fetch_image(url.strip())


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        raise BodyMalformed from None
    if not isinstance(parsed, dict):
        raise BodyMalformed
    return parsed
