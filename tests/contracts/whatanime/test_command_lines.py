"""The document's own command lines, against a running server."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contracts.live import FILENAME, Site, site_session
from tests.contracts.pictures import opened, saved
from tests.contracts.whatanime.asking import PATH


class Curl:
    """Runs ``curl`` in a folder that has a ``screenshot.png``."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder, self._url = folder, url
        path = shutil.which("curl")
        assert path, "curl is not installed"
        self._path = path

    def __call__(self, path: str, *options: str) -> tuple[int, Any]:
        done = subprocess.run(
            [self._path, "-sS", self._url + path, "-w", "\n%{http_code}", *options],
            cwd=self._folder, capture_output=True, timeout=60, check=True,
        )  # fmt: skip
        body, status = done.stdout.decode().rsplit("\n", 1)
        return int(status), json.loads(body)


@pytest.fixture
def curl(site: Site, screenshot: bytes, tmp_path: Path) -> Curl:
    (tmp_path / "screenshot.png").write_bytes(saved(opened(screenshot), "PNG"))
    return Curl(tmp_path, site.url)


def test_guests_search(curl: Curl, site: Site) -> None:
    status, body = curl(PATH, "-X", "POST", "-F", "image=@screenshot.png")
    assert (status, body["candidates"][0]["filename"], body["confident"]) == (200, FILENAME, True)
    assert httpx.get(body["candidates"][0]["image"], trust_env=False).headers["content-type"] == "image/jpeg"
    status, body = curl(PATH, "-X", "POST", "-F", f"url={site.url}/screenshot.png")
    assert (status, body["code"]) == (400, "DOWNLOAD_FAILED")


def test_search_with_the_key_left_as_it_stands_in_the_document(curl: Curl) -> None:
    status, body = curl(
        PATH, "-X", "POST", "-H", "Authorization: Bearer <YOUR_API_KEY>", "-F", "image=@screenshot.png"
    )
    assert (status, body["code"]) == (401, "INVALID_KEY")


def test_keys_are_made_listed_and_used(curl: Curl, site: Site) -> None:
    cookie = ("-H", f"Cookie: {site_session(site, 'lines@example.com')}")
    as_json = ("-H", "Content-Type: application/json")

    status, made = curl("/api/apikeys", "-X", "POST", *as_json, *cookie, "-d", '{"title":"my-key"}')
    assert (status, made["title"]) == (201, "my-key")
    assert re.fullmatch(r"ak_[0-9A-Za-z]{38}", made["key"])

    status, listed = curl("/api/apikeys", *cookie)
    assert (status, listed["total"], listed["items"][0]["id"]) == (200, 1, made["id"])
    assert made["key"] not in json.dumps(listed)

    bearer = ("-H", f"Authorization: Bearer {made['key']}")
    status, found = curl(PATH, "-X", "POST", *bearer, "-F", "image=@screenshot.png")
    assert (status, found["candidates"][0]["filename"]) == (200, FILENAME)
    status, found = curl(PATH, "-X", "POST", *cookie, "-F", "image=@screenshot.png")
    assert (status, found["candidates"][0]["filename"]) == (200, FILENAME)

    status, left = curl("/api/user/anime-credits", *cookie)
    assert (status, left["dailyUsed"], left["dailyRemaining"], left["credits"]) == (200, 2, 8, 0)

    status, revoked = curl(f"/api/apikeys/{made['id']}", "-X", "DELETE", *cookie)
    assert status == 200
    assert revoked["revokedAt"]
    status, body = curl(PATH, "-X", "POST", *bearer, "-F", "image=@screenshot.png")
    assert (status, body["code"]) == (401, "KEY_REVOKED")


@pytest.mark.parametrize("path", ["/api/user/anime-credits", "/api/apikeys"])
def test_session_only_addresses_with_the_cookie_left_as_it_stands(curl: Curl, path: str) -> None:
    status, body = curl(path, "-H", "Cookie: <SESSION_COOKIE>")
    assert (status, body["code"]) == (401, "UNAUTHORIZED")


def test_cookie_of_the_sign_in_endpoint_signs_in(curl: Curl, site: Site, tmp_path: Path) -> None:
    """ "Store the cookies that /api/auth/sign-in/email returned", as the document says."""
    site_session(site, "signs-in@example.com", password="a long enough secret 17")
    jar = str(tmp_path / "cookies.txt")
    status, _ = curl(
        "/api/auth/sign-in/email", "-X", "POST", "-c", jar,
        "-H", "Content-Type: application/json", "-H", f"Origin: {site.url}",
        "-d", '{"email": "signs-in@example.com", "password": "a long enough secret 17"}',
    )  # fmt: skip
    assert status == 200
    status, left = curl("/api/user/anime-credits", "-b", jar)
    assert (status, left["remaining"]) == (200, 10)
