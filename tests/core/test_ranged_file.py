"""Files in ranges, as players ask for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from core.ranged_file import file_response

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
