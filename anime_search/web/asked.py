"""The picture that was asked about, small, for the page that answers."""

from __future__ import annotations

import base64
import io

from PIL import Image

from anime_search.services import read_image

#: Pixels of its longer side.
SIDE = 480


def asked_picture(image: bytes) -> str:
    """A small JPEG of a picture as a ``data:`` address: shown, and kept nowhere.

    Raises:
        ImageEmpty, ImageTooLarge, ImageUndecodable: it is no picture.
    """
    small = Image.fromarray(read_image(image).rgb)
    small.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
