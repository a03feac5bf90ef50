"""A running site with a model, and users with keys who ask it by our own client."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import frameproof
import pytest

from tests.contracts.live import Clip, Site

MAKE_KEY = """
from accounts.models import User
from apikeys.services import create_key
from credits.ledger import grant_credits
user = User.objects.create_user(sys.argv[1], "x", name="john_doe", tier="pro")
if int(sys.argv[2]):
    grant_credits(user_id=user.pk, amount=int(sys.argv[2]), reason="a test", actor="command")
print(create_key(user_id=user.pk, title="Production")[1])
"""
USE_MODEL = """
from tests.deepfake.models_shelf import shelve, use
shelve("bright")
use("bright")
"""


@dataclass(frozen=True, slots=True)
class Service:
    """What the client is pointed at.

    Attributes:
        picture, video: files with a screenshot, and with the clip that it is from.
    """

    site: Site
    picture: Path
    video: Path

    def key(self, granted: int = 5) -> str:
        """An API key of a new user."""
        return self.site.run(MAKE_KEY, f"{uuid.uuid4().hex}@example.com", str(granted)).strip()

    def client(self, key: str, **options: object) -> frameproof.Client:
        return frameproof.Client(self.site.url, key, **options)


@pytest.fixture(scope="module")
def service(clip: Clip, screenshot: bytes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("client")
    (folder / "shot.jpg").write_bytes(screenshot)
    with Site(clip, folder / "site") as site:
        site.run(USE_MODEL)
        yield Service(site, folder / "shot.jpg", clip.path)


@pytest.fixture(scope="module")
def key(service: Service) -> str:
    """The key of somebody whose uses nobody counts."""
    return service.key(100)
