"""What the tests of the page send, and how they read what comes back."""

from __future__ import annotations

import re
from typing import Any

import cv2
import numpy as np
from django.core.files.uploadedfile import SimpleUploadedFile

from anime_search.engine.search import Scene
from anime_search.web.requests import FRAGMENT_HEADER

#: The headers of the page's script.
FRAGMENT = {FRAGMENT_HEADER: "results"}


def scene(**changes: Any) -> Scene:
    facts = {
        "video": "a" * 64,
        "from_s": 299.5,
        "at_s": 301.25,
        "to_s": 303.0,
        "similarity": 0.9876,
        "probability": 0.98,
        "view": "full",
        "is_match": True,
    }
    return Scene(**{**facts, **changes})


def png() -> SimpleUploadedFile:
    _, data = cv2.imencode(".png", np.arange(48 * 64 * 3, dtype=np.uint8).reshape(48, 64, 3))
    return SimpleUploadedFile("shot.png", data.tobytes(), "image/png")


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())
