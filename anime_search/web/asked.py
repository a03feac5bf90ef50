"""The picture that was asked about, small, for the page that answers."""

from __future__ import annotations

import base64
import io

from PIL import Image

from anime_search.services import read_image
from anime_search.uploads import picture_of
from core.errors import DomainError

#: Pixels of its longer side.
SIDE = 480


def asked_picture(media: bytes) -> bytes:
    """A small JPEG of a picture, or of a clip's first frame, made of its pixels alone: shown, and kept nowhere.

    Empty where there is none to show any more: whoever calls has an answer already, and the picture is an extra.
    """
    try:
        picture = read_image(picture_of(media))
    except DomainError:
        return b""
    small = Image.fromarray(picture.rgb)
    small.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def data_address(picture: bytes) -> str:
    """A JPEG as an address of itself; empty for none."""
    return "data:image/jpeg;base64," + base64.b64encode(picture).decode() if picture else ""
