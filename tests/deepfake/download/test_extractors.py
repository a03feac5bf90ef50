"""Which addresses yt-dlp is given, with the default setting."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from config.settings.downloads import EXTRACTORS, extractor_names
from deepfake.download.limits import DownloadLimits, Order


def taken_by(url: str, listed: tuple[str, ...] | None = None) -> str | None:
    from deepfake.download.sites import extractors_for

    extractors = extractors_for(url, settings.DEEPFAKE_EXTRACTORS if listed is None else listed)
    return next((str(ie.IE_NAME) for ie in extractors if ie.suitable(url)), None)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://www.youtube.com/watch?v=BaW_jenozKc", "youtube"),
        ("https://youtu.be/BaW_jenozKc", "youtube"),
        ("https://www.youtube.com/shorts/BaW_jenozKc", "youtube"),
        ("https://m.youtube.com/watch?v=BaW_jenozKc&list=PL1", "youtube:tab"),
        ("https://www.tiktok.com/@user/video/7124742500000000000", "TikTok"),
        ("https://vm.tiktok.com/ZSe4FqkKd", "vm.tiktok"),
        ("https://www.instagram.com/reel/aye83DjauH/", "Instagram"),
        ("https://x.com/user/status/643211948184596480", "twitter"),
        ("https://twitter.com/user/status/643211948184596480", "twitter"),
        ("https://t.co/abc", "twitter:shortener"),
        ("https://vimeo.com/56015672", None),
        ("https://media.example/cat.mp4", None),
        ("http://127.0.0.1/https://www.youtube.com/watch?v=BaW_jenozKc", None),
        ("https://www.youtube.com.evil.example/watch?v=BaW_jenozKc", None),
    ],
)
def test_address_is_taken_by_the_extractor_of_its_site(url: str, name: str | None) -> None:
    assert taken_by(url) == name


def test_operator_adds_sites_and_takes_them_away() -> None:
    assert taken_by("https://vimeo.com/56015672", ("vimeo",)) == "vimeo"
    assert taken_by("https://youtu.be/BaW_jenozKc", ("vimeo",)) is None
    assert taken_by("https://youtu.be/BaW_jenozKc", ()) is None


def test_extractor_of_any_page_is_never_used() -> None:
    assert taken_by("https://media.example/cat.mp4", ("generic",)) is None


def test_setting_lists_names_in_any_case() -> None:
    assert extractor_names("X", [" YouTube ", "", "vm.tiktok"]) == ("youtube", "vm.tiktok")
    assert extractor_names("X", EXTRACTORS) == settings.DEEPFAKE_EXTRACTORS


@pytest.mark.parametrize(
    "entry", ["generic", "Generic", "generic:x", "all", "default", "-youtube", ".*", "a/b", "x" * 61]
)
def test_setting_that_would_take_any_page_is_refused(entry: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DEEPFAKE_EXTRACTORS"):
        extractor_names("DEEPFAKE_EXTRACTORS", ["youtube", entry])


def test_order_reaches_the_child_as_it_was_given(tmp_path: pytest.TempPathFactory) -> None:
    limits = DownloadLimits(
        extractors=("a", "b"),
        max_bytes=1,
        max_duration_s=2.5,
        timeout_s=3.5,
        allowed_networks=("10.0.0.0/8",),
    )
    order = Order(url="https://x.example/\u2028?a=1", folder=tmp_path, limits=limits)
    assert order.as_line().count(b"\n") == 1
    assert Order.from_line(order.as_line()) == order
