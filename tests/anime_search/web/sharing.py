"""How the tests share a result: by the form of the page that a search answers with."""

from __future__ import annotations

import io
import re
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from anime_search.web.requests import FRAGMENT_HEADER
from tests.anime_search.web.asking import png

#: The headers of the page's script.
SCRIPT = {FRAGMENT_HEADER: "answer"}
_FIELD = re.compile(r'<input type="hidden" name="(result|picture)" value="([^"]*)">')


def offered(client: Client, image: Any = None) -> dict[str, str]:
    """What the form of an answer carries."""
    return dict(_FIELD.findall(client.post("/", {"image": image or png()}).content.decode()))


def share(client: Client, image: Any = None) -> str:
    """Share what is found; returns the address of the link."""
    response = client.post("/s", offered(client, image))
    assert response.status_code == 302, response.content.decode()
    return str(response["Location"])


def photo() -> SimpleUploadedFile:
    """A large photo that says where it was taken."""
    exif = Image.Exif()
    exif[0x010F] = "SecretMaker"
    exif.get_ifd(0x8825)[1] = "N"
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((2000, 1500)).convert("RGB").save(
        buffer, "JPEG", exif=exif, comment=b"SecretComment"
    )
    return SimpleUploadedFile("photo.jpg", buffer.getvalue(), "image/jpeg")
