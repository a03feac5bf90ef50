"""The document's own command lines, run by a shell against a server."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contracts.live import FILENAME, Site
from tests.contracts.tracemoe_legacy.asking import thumbnail_path
from tests.contracts.tracemoe_legacy.test_search_answer import DOC_KEYS, KEYS, assert_documented

SEARCH_AS_FORM = 'curl -X POST https://trace.moe/api/search -d "image=$(base64 -w 0 your_search_image.jpg)"'
SEARCH_AS_JSON = (
    'curl -X POST https://trace.moe/api/search -H "Content-Type: application/json" '
    """-d '{ "image" : "'$(base64 -w 0 your_search_image.jpg)'" }'"""
)
ME = "curl https://trace.moe/api/me"


@pytest.fixture
def folder(tmp_path: Path, screenshot: bytes) -> Path:
    (tmp_path / "your_search_image.jpg").write_bytes(screenshot)
    return tmp_path


def run(line: str, site: Site, folder: Path, address: str, *options: str) -> tuple[dict[str, str], Any]:
    """Run a line of the document, its host replaced by ours; returns the answer's headers and body.

    ``address`` is whom the server takes the client for.
    """
    bash = shutil.which("bash")
    assert bash
    assert shutil.which("curl")
    line = line.replace("https://trace.moe", site.url).replace(
        "curl ", f"curl --silent --show-error --dump-header headers -H 'X-Forwarded-For: {address}' ", 1
    )
    done = subprocess.run(
        [bash, "-c", " ".join([line, *options])], cwd=folder, capture_output=True, timeout=60, check=True
    )
    # A server that was asked for "100 Continue" has sent two blocks of headers.
    status, *lines = (folder / "headers").read_bytes().decode().strip().split("\r\n\r\n")[-1].splitlines()
    headers = {name.lower(): value for name, value in (each.split(": ", 1) for each in lines if ": " in each)}
    return {"status": status.split()[1], **headers}, json.loads(done.stdout)


@pytest.mark.parametrize(
    ("line", "address"), [(SEARCH_AS_FORM, "203.0.113.1"), (SEARCH_AS_JSON, "203.0.113.2")]
)
def test_documented_search_finds_the_scene(site: Site, folder: Path, line: str, address: str) -> None:
    headers, body = run(line, site, folder, address)
    assert headers["status"] == "200"
    assert headers["content-type"] == "application/json"
    assert list(body) == KEYS
    assert [doc["filename"] for doc in body["docs"]] == [FILENAME]
    assert_documented(body["docs"][0])
    assert list(body["docs"][0]) == DOC_KEYS
    assert body["docs"][0]["similarity"] > 0.9
    assert {name: headers[f"x-whatanime-{name.replace('_', '-')}"] for name in KEYS[-4:]} == {
        "limit": "9",
        "limit_ttl": "60",
        "quota": "149",
        "quota_ttl": "86400",
    }


def test_documented_me_says_who_asks(site: Site, folder: Path) -> None:
    _, body = run(ME, site, folder, "203.0.113.3")
    assert (body["user_id"], body["email"], body["limit"]) == (None, "203.0.113.3", 10)
    headers, body = run(f"{ME}?token=your_api_token", site, folder, "203.0.113.3")
    assert (headers["status"], body) == ("403", "Invalid API token")


def test_javascript_example_finds_the_scene(site: Site, encoded: str) -> None:
    """What ``fetch`` sends of ``canvas.toDataURL("image/jpeg", 0.8)``."""
    response = httpx.post(
        f"{site.url}/api/search",
        content=json.dumps({"image": f"data:image/jpeg;base64,{encoded}"}),
        headers={
            "Content-Type": "application/json",
            "Origin": "https://client.example",
            "X-Forwarded-For": "203.0.113.4",
        },
        trust_env=False,
    )
    assert response.json()["docs"][0]["filename"] == FILENAME
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_tokenthumb_opens_the_documented_address(site: Site, folder: Path) -> None:
    _, body = run(SEARCH_AS_FORM, site, folder, "203.0.113.5")
    response = httpx.get(site.url + thumbnail_path(body["docs"][0]), trust_env=False)
    assert (response.status_code, response.headers["content-type"]) == (200, "image/jpeg")
    assert response.content.startswith(b"\xff\xd8\xff")


def test_eleventh_search_is_told_to_wait(site: Site, folder: Path) -> None:
    (folder / "your_search_image.jpg").write_bytes(b"no picture")
    for _ in range(10):
        headers, body = run(SEARCH_AS_FORM, site, folder, "203.0.113.6")
        assert headers["status"] == "500"
        assert body.startswith("Error reading image from ")
    headers, body = run(SEARCH_AS_FORM, site, folder, "203.0.113.6")
    assert headers["status"] == "429"
    assert re.fullmatch(r"Search limit exceeded\. Please wait [0-9]+ seconds\.", body)
    assert headers["retry-after"] in body
    assert (headers["x-whatanime-limit"], headers["x-whatanime-quota"]) == ("0", "150")


@pytest.mark.parametrize(
    "options", [[], ["-H 'Expect:'"], ["-H 'Transfer-Encoding: chunked'"], ["-H 'Content-Type: text/plain'"]]
)
@pytest.mark.parametrize("over", [True, False])
def test_hard_limit_of_one_mebibyte(
    site: Site, folder: Path, screenshot: bytes, options: list[str], over: bool
) -> None:
    head = b"image=" + base64.b64encode(screenshot) + b"&rest="
    (folder / "body").write_bytes(head + b"x" * (1024 * 1024 + over - len(head)))
    headers, body = run(
        "curl -X POST https://trace.moe/api/search --data-binary @body", site, folder, "203.0.113.7", *options
    )
    if over:
        assert (headers["status"], body) == ("413", "Request Entity Too Large")
    else:
        assert headers["status"] == "200"
        assert body["docs"][0]["filename"] == FILENAME


def test_form_upload_over_the_limit_is_refused(site: Site, folder: Path) -> None:
    (folder / "big.jpg").write_bytes(bytes(3 * 1024 * 1024))
    headers, body = run("curl https://trace.moe/api/search -F image=@big.jpg", site, folder, "203.0.113.8")
    assert (headers["status"], body) == ("413", "Request Entity Too Large")


def test_server_writes_no_traceback_for_a_callers_mistakes(site: Site, folder: Path) -> None:
    (folder / "your_search_image.jpg").write_bytes(b"no picture")
    run(SEARCH_AS_FORM, site, folder, "203.0.113.9")
    assert "Traceback" not in site.log()
    assert " ERROR " not in site.log()
