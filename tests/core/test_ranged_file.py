"""Files in ranges, as players ask for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from core.ranged_file import file_response, known_response, may_stream, stream_response

CONTENT = bytes(range(100))


def ask(tmp_path: Path, method: str = "GET", **headers: str) -> HttpResponse:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    request = RequestFactory().generic(
        method, "/", headers={name.replace("_", "-"): v for name, v in headers.items()}
    )
    return file_response(
        request, path, etag="abc", content_type="video/mp4", headers={"Cache-Control": "private"}
    )


def test_whole_file(tmp_path: Path) -> None:
    response = ask(tmp_path)
    assert (response.status_code, response.content) == (200, CONTENT)
    assert (response["ETag"], response["Accept-Ranges"], response["Cache-Control"]) == (
        '"abc"',
        "bytes",
        "private",
    )


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("0-1", 0, 1), ("0-0", 0, 0), ("99-99", 99, 99), ("10-", 10, 99), ("-10", 90, 99), ("-1000", 0, 99),
     ("50-1000", 50, 99), ("0-", 0, 99)],
)  # fmt: skip
def test_one_range(tmp_path: Path, asked: str, first: int, last: int) -> None:
    response = ask(tmp_path, range=f"bytes={asked}")
    assert (response.status_code, response.content) == (206, CONTENT[first : last + 1])
    assert response["Content-Range"] == f"bytes {first}-{last}/100"


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=500-600", "bytes=-0"])
def test_range_beyond_the_end(tmp_path: Path, asked: str) -> None:
    response = ask(tmp_path, range=asked)
    assert (response.status_code, response["Content-Range"], response.content) == (416, "bytes */100", b"")


@pytest.mark.parametrize(
    "asked", ["", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-2", "bytes=0-1,4-5", "lines=0-1", "bytes=" + "9" * 50 + "-"]
)  # fmt: skip
def test_what_is_no_single_range_is_ignored(tmp_path: Path, asked: str) -> None:
    response = ask(tmp_path, range=asked)
    assert (response.status_code, response.content) == (200, CONTENT)


def test_range_of_another_version_is_ignored(tmp_path: Path) -> None:
    assert ask(tmp_path, range="bytes=0-1", if_range='"abc"').status_code == 206
    assert ask(tmp_path, range="bytes=0-1", if_range='"old"').status_code == 200


def test_known_version_is_not_sent_again(tmp_path: Path) -> None:
    response = ask(tmp_path, if_none_match='"x", "abc"')
    assert (response.status_code, response.content, response["ETag"]) == (304, b"", '"abc"')
    assert ask(tmp_path, if_none_match='"x"').status_code == 200


def test_head_ignores_ranges(tmp_path: Path) -> None:
    response = ask(tmp_path, "HEAD", range="bytes=0-1")
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("method", "more", "allowed"),
    [
        ("GET", {}, True),
        ("HEAD", {}, False),
        ("GET", {"headers": {"Range": "bytes=0-"}}, False),
        ("GET", {"SERVER_PROTOCOL": "HTTP/1.0"}, False),
        ("GET", {"SERVER_PROTOCOL": "HTTP/2.0"}, True),
    ],
)
def test_answers_of_unknown_length_are_for_those_who_understand_them(
    method: str, more: dict[str, Any], allowed: bool
) -> None:
    assert may_stream(RequestFactory().generic(method, "/", **more)) is allowed


@pytest.mark.django_db
def test_stream_ends_its_source_when_it_is_closed() -> None:
    ended: list[bool] = []

    def pieces() -> Iterator[bytes]:
        try:
            yield b"first"
            yield b"second"
        finally:
            ended.append(True)

    response = stream_response(pieces(), etag="abc", content_type="video/mp4", headers={"X-A": "b"})
    assert next(iter(response)) == b"first"
    assert (response["ETag"], response["X-A"], response.has_header("Content-Length")) == ('"abc"', "b", False)
    response.close()
    assert ended == [True]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, None),
        ({"If-None-Match": '"abc"'}, 304),
        ({"If-None-Match": '"x"'}, None),
        ({"If-Match": '"x"'}, 412),
    ],
)
def test_what_is_known_is_told_before_there_is_a_file(headers: dict[str, str], status: int | None) -> None:
    request = RequestFactory().get("/", headers=headers)
    known = known_response(request, etag="abc", headers={"Cache-Control": "private"})
    assert (known and known.status_code) == status
    if known is not None and status == 304:
        assert (known["ETag"], known["Cache-Control"]) == ('"abc"', "private")
