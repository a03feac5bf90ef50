"""Clients that others published, asked to do all that they offer: with our host they work as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from tests.contracts.clients.conftest import Drive, Service
from tests.contracts.clients.environments import ThirdParty
from tests.contracts.live import FILENAME

pytestmark = pytest.mark.integration

TRACEMOE = ThirdParty("tracemoe", "1.0", "tracemoe_old.py")
TRACEMOE_PY = ThirdParty("tracemoe-py", "1.0.3", "tracemoe_py.py")
AIOTRACEMOEAPI = ThirdParty("aiotracemoeapi", "4.0.1", "aiotracemoeapi_4.py")
#: The last one of 2022, for nearly four years the newest.
AIOTRACEMOEAPI_2 = ThirdParty("aiotracemoeapi", "2.1.6", "aiotracemoeapi_2.py")

ANILIST_ID = 98444
#: Takes the title away from the one video, and gives it back.
NO_TITLE = "from anime_search.models import Video; Video.objects.update(anime=None)"
TITLE = "from anime_search.models import Anime, Video; Video.objects.update(anime=Anime.objects.get())"


def width_of(path: Path) -> int:
    with Image.open(path) as image:
        assert image.format == "JPEG"
        return image.width


def assert_plays(path: Path, *, least_s: float, most_s: float, sound: bool = True) -> None:
    """A clip as all browsers play it, of about that length."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert [audio.codec_context.name for audio in container.streams.audio] == (["aac"] if sound else [])
        times = [frame.time for frame in container.decode(stream)]
    assert least_s <= times[-1] - times[0] <= most_s


def assert_found(results: list[dict[str, Any]]) -> None:
    assert results[0]["filename"] == FILENAME
    assert results[0]["similarity"] > 0.9


def test_tracemoe_of_the_old_api(driven: Drive, service: Service, tmp_path: Path) -> None:
    key = service.key("old@example.com")
    told = driven(TRACEMOE, key=key, anilist_id=ANILIST_ID)
    assert (told["me"]["user_id"], told["me"]["email"]) == (None, "127.0.0.1")
    assert (told["me_of_key"]["email"], told["me_of_key"]["user_quota"]) == ("old@example.com", 3000)
    assert told["me_of_wrong_key"] == "Invalid API token"
    for name in ("file", "filtered", "url", "of_key"):
        assert_found(told[name]["docs"])
        assert told[name]["docs"][0]["anilist_id"] == ANILIST_ID
    assert told["filtered_away"]["docs"] == []
    assert told["of_key"]["quota"] == 2999
    assert told["missing_url"] == "Error reading image from URL"
    assert width_of(tmp_path / "thumbnail.jpg") == 320
    assert_plays(tmp_path / "preview.mp4", least_s=2.5, most_s=3.5)
    assert_plays(tmp_path / "scene.mp4", least_s=0.3, most_s=10)
    assert_plays(tmp_path / "mute.mp4", least_s=0.3, most_s=10, sound=False)
    # Its other class works with no aiohttp since 3.7 (2020), and the ones before with no Python since 3.11, whatever
    # the host: the driver mends that.
    assert "no setter" in told["why_not_asynchronous"]
    told = told["asynchronous"]
    assert told["me"]["email"] == "127.0.0.1"
    assert_found(told["file"]["docs"])
    assert_found(told["url"]["docs"])
    assert told["missing_url"] == "Error reading image from URL"
    assert width_of(tmp_path / "async.jpg") == 320
    assert_plays(tmp_path / "async.mp4", least_s=2.5, most_s=3.5)
    assert_plays(tmp_path / "async-scene.mp4", least_s=0.3, most_s=10, sound=False)


def test_tracemoe_py(driven: Drive, service: Service, tmp_path: Path) -> None:
    key, small_key = service.key("py@example.com"), service.key("py-small@example.com", "free")
    service.set_policy("free", "--daily", "1", "--rate", "2")
    told = driven(TRACEMOE_PY, key=key, small_key=small_key, anilist_id=ANILIST_ID)
    assert (told["me"]["id"], told["me"]["quota"], told["me"]["concurrency"]) == ("127.0.0.1", 150, 1)
    assert (told["me_of_key"]["id"], told["me_of_key"]["concurrency"]) == ("py@example.com", 3)
    for name in ("file", "url", "with_everything", "of_key"):
        assert_found(told[name])
    assert told["file"][0]["anilist"] == ANILIST_ID
    assert told["with_everything"][0]["anilist"]["title"]["romaji"] == "Yuru Camp△"
    assert told["filtered_away"] == []
    assert told["missing_url"] == [
        "BadRequest",
        f"Image is malformed, or some params are incorrect: Failed to fetch image {service.missing_url}",
    ]
    assert told["no_url"][1].endswith("Invalid image url nothing")
    assert told["no_picture"][1].endswith("Failed to process image")
    for name in ("wrong_key", "search_with_wrong_key"):
        assert told[name] == ["Forbidden", "No permission to access: Invalid API key"]
    assert told["day_is_over"] == [
        "PaymentRequired", "Search quota or concurrency limit exceeded: Search quota depleted",
    ]  # fmt: skip
    assert (width_of(tmp_path / "image.jpg"), width_of(tmp_path / "large.jpg")) == (320, 640)
    assert_plays(tmp_path / "scene.mp4", least_s=0.3, most_s=10)
    assert_plays(tmp_path / "mute.mp4", least_s=0.3, most_s=10, sound=False)


def test_aiotracemoeapi(driven: Drive, service: Service, tmp_path: Path) -> None:
    key, small_key = service.key("aio@example.com"), service.key("aio-small@example.com", "free")
    service.set_policy("free", "--daily", "1", "--rate", "2")
    told = driven(AIOTRACEMOEAPI, key=key, small_key=small_key, anilist_id=ANILIST_ID)
    assert (told["me"]["id"], told["me"]["quota"]) == ("127.0.0.1", 150)
    assert told["me"]["limits"]["limit"] == 1000
    assert (told["me_of_key"]["id"], told["me_of_key"]["priority"]) == ("aio@example.com", 3)
    for name in ("path", "bytes", "file", "url", "number_alone", "of_key"):
        assert_found(told[name]["result"])
    assert told["of_key"]["limits"]["limit"] == 30
    assert told["number_alone"]["result"][0]["anilist"] == ANILIST_ID
    assert told["filtered_away"]["result"] == []
    assert told["best"][:3] == [ANILIST_ID, "Yuru Camp△", "https://myanimelist.net/anime/34798"]
    assert [told[name][:2] for name in ("no_url", "missing_url", "no_picture", "too_large", "wrong_key")] == [
        ["InvalidImageUrl", 400],
        ["FailedFetchImage", 400],
        ["FailedProcessImage", 400],
        ["PayloadTooLarge", 413],
        ["InvalidAPIKey", 403],
    ]
    # A vector describes a picture as the real service does, and no other: there is no picture here.
    assert told["vector"][:3] == ["MethodNotAllowed", 405, "Method Not Allowed"]
    refused = [error[:3] for error in told["at_a_time"] if error]
    assert refused == [["ConcurrencyLimitExceeded", 402, "Concurrency limit exceeded"]]
    assert told["three_at_a_time"] == [None, None, None]
    assert told["retried"] == [None, None]
    assert told["day_is_over"] == [
        "SearchQuotaDepleted",
        402,
        "Search quota depleted",
        {"quota": 1, "quota_used": 1},
    ]
    assert told["minute_is_over"][:3] == ["TooManyRequests", 429, "Too many requests"]
    assert 0 < told["minute_is_over"][3]["retry_after"] <= 60
    assert (width_of(tmp_path / "image.jpg"), width_of(tmp_path / "small.jpg")) == (320, 160)
    assert_plays(tmp_path / "scene.mp4", least_s=0.3, most_s=10)
    assert_plays(tmp_path / "mute.mp4", least_s=0.3, most_s=10, sound=False)


def test_aiotracemoeapi_where_a_title_is_not_known_and_nothing_is_limited(
    driven: Drive, service: Service
) -> None:
    """It reads a number where the document has one, and gives up on anything else."""
    service.set_policy("guest", "--daily", "none", "--rate", "none")
    service.site.run(NO_TITLE)
    try:
        told = driven(AIOTRACEMOEAPI, once=True)
    finally:
        service.site.run(TITLE)
        service.set_policy("guest", "--daily", "150", "--rate", "1000")
    assert told["without_info"]["result"][0]["anilist"] == 0
    assert told["with_info"]["result"][0]["anilist"]["title"]["romaji"] == "Big Buck Bunny"
    assert told["me"]["quota"] > 10_000


def test_aiotracemoeapi_of_2022(driven: Drive, service: Service) -> None:
    """It asks for the title 0 where none is wanted, and breaks without the headers of the rate limit."""
    told = driven(AIOTRACEMOEAPI_2, key=service.key("aio2@example.com"), anilist_id=ANILIST_ID)
    assert (told["me"]["id"], told["me_of_key"]["id"]) == ("127.0.0.1", "aio2@example.com")
    for name in ("path", "bytes", "filtered"):
        assert_found(told[name]["result"])
        assert told[name]["result"][0]["anilist"]["id"] == ANILIST_ID
        assert told[name]["limits"]["remaining"] > 0
    assert told["filtered_away"]["result"] == []
