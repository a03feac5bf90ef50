"""What the tests of the detector's pages send, and how they read what comes back."""

from __future__ import annotations

import html
import re
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from deepfake.models import Analysis
from deepfake.web.requests import FRAGMENT_HEADER

#: The headers of the pages' scripts.
FRAGMENT = {FRAGMENT_HEADER: "problem"}
URL = "https://videos.example/a.mp4"


def ask(client: Client, url: str = URL, **more: Any) -> Any:
    return client.post("/detect", {"url": url}, **more)


def send(
    client: Client, content: bytes = b"video", *, headers: dict[str, str] | None = None, **fields: str
) -> Any:
    upload = SimpleUploadedFile("holiday.mp4", content, "video/mp4")
    return client.post("/detect", {"video": upload, **fields}, headers=headers or {})


def made(response: Any) -> Analysis:
    """The analysis that a form led on to."""
    assert response.status_code == 303, text_of(response)
    found = re.fullmatch(r"/detect/([0-9a-f]{12})", response["Location"])
    assert found is not None
    return Analysis.objects.get(public_id=found[1])


def text_of(response: Any) -> str:
    """What a page says, without its markup, script's texts and spaces."""
    page = re.sub(r"<(template|title|head)\b.*?</\1>", " ", response.content.decode(), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())
