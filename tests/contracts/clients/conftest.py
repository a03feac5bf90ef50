"""A running site that the clients ask, and a host of pictures that it may fetch from."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.clients.environments import ThirdParty, drive, install
from tests.contracts.live import Clip, Site
from tests.core.loopback_web import WebServer, answer

#: Seconds that the slow picture takes: long enough for another search to come meanwhile.
SLOW_S = 1.5

MAKE_KEY = """
from accounts.models import User
from apikeys.services import create_key
user = User.objects.create_user(sys.argv[1], "x", tier=sys.argv[2])
print(create_key(user_id=user.pk, title="client")[1])
"""
SET_POLICY = """
from django.core.management import call_command
call_command("credits_policy", "tracemoe", *sys.argv[1:])
"""

Drive = Callable[..., dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Service:
    """What a client is pointed at.

    Attributes:
        site: the running site; all clients come from one address, which may search often.
        picture: a screenshot as a file.
        picture_url: the same behind an address.
        slow_url: the same, after :data:`SLOW_S`.
        missing_url: an address with nothing behind it.
    """

    site: Site
    picture: Path
    picture_url: str
    slow_url: str
    missing_url: str

    def key(self, email: str, tier: str = "business") -> str:
        """An API key of a new user."""
        return self.site.run(MAKE_KEY, email, tier).strip()

    def set_policy(self, tier: str, *options: str) -> None:
        """Change limits of a tier as an operator does it."""
        self.site.run(SET_POLICY, tier, *options)


@pytest.fixture(scope="module")
def service(clip: Clip, screenshot: bytes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder, host = tmp_path_factory.mktemp("clients"), WebServer()
    picture = folder / "shot.jpg"
    picture.write_bytes(screenshot)

    def slowly(connection: Any) -> None:
        time.sleep(SLOW_S)
        connection.sendall(answer(screenshot))

    host.replies |= {"/shot.jpg": answer(screenshot), "/slow.jpg": slowly}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FETCH_ALLOWED_NETWORKS", "127.0.0.1/32")
        site = Site(clip, folder / "site")
    with site:
        made = Service(site, picture, host.url("/shot.jpg"), host.url("/slow.jpg"), host.url("/missing.jpg"))
        made.set_policy("guest", "--rate", "1000")
        yield made
    host.close()


@pytest.fixture(scope="session")
def environments(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where environments are kept from one run to the next."""
    cache: pytest.Cache | None = getattr(request.config, "cache", None)
    return Path(cache.mkdir("clients")) if cache else tmp_path_factory.mktemp("environments")


@pytest.fixture
def driven(service: Service, environments: Path, tmp_path: Path) -> Drive:
    """Runs the driver of a client; what it downloads lies in ``tmp_path``."""

    def run(client: ThirdParty, **more: Any) -> dict[str, Any]:
        return drive(
            install(client, environments),
            client,
            site=service.site.url,
            folder=str(tmp_path),
            picture=str(service.picture),
            picture_url=service.picture_url,
            slow_url=service.slow_url,
            missing_url=service.missing_url,
            **more,
        )

    return run
