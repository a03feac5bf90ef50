"""How the tests share a result: by the form of the page that a search answers with."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client

from anime_search.web.requests import FRAGMENT_HEADER
from tests.anime_search.web.asking import png

_FIELD = re.compile(r'<input type="hidden" name="(result|picture)" value="([^"]*)">')


def offered(client: Client, image: Any = None) -> dict[str, str]:
    """What the form of an answer carries."""
    return dict(_FIELD.findall(client.post("/", {"image": image or png()}).content.decode()))


def share(client: Client, image: Any = None) -> str:
    """Share what is found; returns the address of the link."""
    response = client.post("/s", offered(client, image))
    assert response.status_code == 302, response.content.decode()
    return str(response["Location"])


SCRIPT = {FRAGMENT_HEADER: "answer"}
