"""Addresses of videos: which are taken, and what is kept of one."""

from __future__ import annotations

import pytest

from deepfake.addresses import check_address, host_of, without_secrets
from deepfake.errors import DownloadFailed


@pytest.mark.parametrize(
    "address",
    [
        "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
        "http://videos.example/a.mp4",
        "HTTPS://VIDEOS.EXAMPLE/a",
        "https://동영상.example/가",
        "https://videos.example:8443/a?b=c#d",
    ],
)
def test_addresses_of_the_web_are_taken_as_they_are_given(address: str) -> None:
    assert check_address(f"  {address}\n") == address


def test_refusal_says_why_in_a_sentence() -> None:
    with pytest.raises(DownloadFailed, match="user name or a password") as caught:
        check_address("https://a:b@videos.example/")
    assert caught.value.reason == "unsupported"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://a.example/watch?v=x1&list=PL0&t=5s", "https://a.example/watch?v=x1&list=PL0&t=5s"),
        ("https://a.example/v?token=1&v=x", "https://a.example/v?v=x"),
        ("https://a.example/v?access_token=1", "https://a.example/v"),
        ("https://b.example/o?X-Amz-Credential=a&X-Amz-Date=b&id=7", "https://b.example/o?id=7"),
        ("https://b.example/o?%74oken=1", "https://b.example/o"),
        ("https://c.example/o?Signature=a&Key-Pair-Id=b&Policy=c", "https://c.example/o"),
        ("https://a.example/v?code=" + "a" * 65, "https://a.example/v"),
        ("https://a.example/v#access_token=1", "https://a.example/v"),
        ("https://a.example/v?", "https://a.example/v"),
        ("https://a.example/v?a=1#?token=2", "https://a.example/v?a=1"),
        ("", ""),
    ],
)
def test_what_opens_doors_is_not_kept(given: str, kept: str) -> None:
    assert without_secrets(given) == kept
    assert without_secrets(kept) == kept


def test_host_is_told_without_the_rest() -> None:
    assert host_of("https://Videos.example:8443/a?b=c") == "videos.example"
    assert host_of("http://[") == ""
