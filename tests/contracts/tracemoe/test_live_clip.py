"""``/video/{id}`` over a real connection: it is sent while it is being cut, and cut no further than somebody waits."""

from __future__ import annotations

import http.client
import socket
import time
from pathlib import Path

import httpx
import pytest

from tests.contracts.live import Site

#: Prints where a clip of the one video is, in one of its sizes, and where clips are kept.
WHERE = """
from django.conf import settings
from anime_search.models import Video
from anime_search.previews import Moment, sign_moment
print("/video/" + sign_moment(Moment(Video.objects.get().pk, 2680)) + "?size=" + sys.argv[1])
print(settings.DATA_DIR / "previews")
"""


def whereabouts(site: Site, size: str) -> tuple[str, Path]:
    path, folder = site.run(WHERE, size).split()
    return path, Path(folder)


def files(folder: Path, pattern: str) -> set[Path]:
    return set(folder.rglob(pattern))


def test_clip_is_sent_in_chunks_and_ranges_of_it_are_the_same_bytes(site: Site) -> None:
    path, _folder = whereabouts(site, "m")
    with httpx.Client(base_url=site.url, trust_env=False, timeout=60) as client:
        whole = client.get(path)
        assert (whole.status_code, whole.headers["Transfer-Encoding"]) == (200, "chunked")
        assert "Content-Length" not in whole.headers
        part = client.get(path, headers={"Range": "bytes=100-199", "If-Range": whole.headers["ETag"]})
        assert (part.status_code, part.content) == (206, whole.content[100:200])
        head = client.head(path)
        assert int(head.headers["Content-Length"]) == len(whole.content)


def test_http_1_0_gets_a_length(site: Site) -> None:
    path, _folder = whereabouts(site, "s")
    with socket.create_connection(("127.0.0.1", site.port), timeout=60) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        length = int(answer.headers["Content-Length"])
        assert len(answer.read()) == length > 10_000


def test_cutting_ends_when_the_client_hangs_up(site: Site) -> None:
    path, folder = whereabouts(site, "l")
    before = files(folder, "*.mp4")
    with socket.create_connection(("127.0.0.1", site.port), timeout=60) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert connection.recv(12) == b"HTTP/1.1 200"
        assert files(folder, "*.part")
    deadline = time.monotonic() + 30
    while files(folder, "*.part"):
        assert time.monotonic() < deadline, "still being cut"
        time.sleep(0.02)
    assert files(folder, "*.mp4") == before
    assert "Traceback" not in site.log()
    # Whoever asks next gets it all.
    whole = httpx.get(site.url + path, headers={"Range": "bytes=0-"}, trust_env=False, timeout=60)
    assert (whole.status_code, whole.content[4:8]) == (206, b"ftyp")


@pytest.mark.parametrize("path", ["/image", "/video"])
def test_address_without_an_id_speaks_json(site: Site, path: str) -> None:
    answer = httpx.get(site.url + path, trust_env=False)
    assert (answer.status_code, answer.json()) == (404, {"error": "Not found"})
