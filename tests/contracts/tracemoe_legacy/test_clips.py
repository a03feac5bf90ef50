"""``preview.php`` and ``/video/{anilist_id}/{filename}``: the scene as video, in reach of its token alone."""

from __future__ import annotations

import io
import threading
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import av
import pytest
from django.test import Client
from pytest_django import Settings

from anime_search import clips, fetch
from anime_search.api.tracemoe_legacy.responses import preview_context
from anime_search.file_cache import FileCache
from anime_search.models import Video, VideoFile
from anime_search.previews import TOKEN_LIFETIME_S, Moment, sign_moment
from core import clock
from tests.contracts.conftest import Library
from tests.contracts.telling import assert_tells_nothing_internal
from tests.contracts.tracemoe_legacy.asking import post_json, quoted, thumbnail_path

#: Nothing was cut before.
pytestmark = pytest.mark.usefixtures("preview_cache")
AT_MS = 2680


@pytest.fixture
def doc(library: Library) -> dict[str, Any]:
    return doc_of(library.video)


def doc_of(video: Video, at_ms: int = AT_MS) -> dict[str, Any]:
    anilist_id = video.anime.anilist_id if video.anime else 0
    context = preview_context(str(anilist_id), video.filename)
    token = sign_moment(Moment(video.pk, at_ms), context=context)
    return {"anilist_id": anilist_id, "filename": video.filename, "at": at_ms / 1000, "tokenthumb": token}


def preview_path(doc: dict[str, Any], **changed: Any) -> str:
    doc = doc | changed
    name = quote(doc["filename"], safe="")
    return f"/preview.php?anilist_id={doc['anilist_id']}&file={name}&t={doc['at']}&token={doc['tokenthumb']}"


def video_path(doc: dict[str, Any], flags: str = "", **changed: Any) -> str:
    doc = doc | changed
    name = quote(doc["filename"], safe="")
    return f"/video/{doc['anilist_id']}/{name}?t={doc['at']}&token={doc['tokenthumb']}{flags}"


PATHS = [preview_path, video_path]


def seconds(response: Any) -> float:
    content = response.getvalue()
    assert response.status_code == 200, content
    assert response["Content-Type"] == "video/mp4"
    assert response["Access-Control-Allow-Origin"] == "*"
    with av.open(io.BytesIO(content)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        frames = sum(1 for _ in container.decode(video=0))
        rate = container.streams.video[0].average_rate
    assert rate is not None
    return float(frames / rate)


def test_address_of_the_document_plays_three_seconds(client: Client, library: Library, encoded: str) -> None:
    found = post_json(client, image=encoded).json()["docs"][0]
    assert 2.9 <= seconds(client.get(preview_path(found))) <= 3.1


def test_preview_near_the_beginning_and_the_end_is_what_there_is(client: Client, library: Library) -> None:
    assert 2.2 <= seconds(client.get(preview_path(doc_of(library.video, 300)))) <= 2.4
    end_ms = library.video.duration_ms - 500
    assert 1.3 <= seconds(client.get(preview_path(doc_of(library.video, end_ms)))) <= 1.7


def test_scene_is_cut_around_the_moment(client: Client, doc: dict[str, Any]) -> None:
    assert 0.9 <= seconds(client.get(video_path(doc))) <= 10.1
    assert 0.9 <= seconds(client.get(video_path(doc, flags="&mute"))) <= 10.1


def test_token_has_the_frames_own_time_where_the_address_is_rounded(client: Client, library: Library) -> None:
    """At 23.976 frames a second most times have a third decimal, which the address leaves out."""
    for at_ms, at in ((2002, 2.0), (2336, 2.34)):
        doc = doc_of(library.video, at_ms) | {"at": at}
        assert client.head(preview_path(doc)).status_code == 200
        assert client.get(preview_path(doc, at=at + 0.01)).status_code == 403


def test_requests_beyond_those_that_may_wait_are_told_to_come_again(
    client: Client, doc: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = threading.BoundedSemaphore(1)
    monkeypatch.setattr(clips, "_TURNS", turns)
    with turns:
        response = client.get(preview_path(doc))
    assert response.status_code == 503
    assert int(response["Retry-After"]) >= 1
    assert client.get(preview_path(doc)).getvalue()
    # What is there already is no burden to anybody.
    with turns:
        assert client.get(preview_path(doc)).status_code == 200


def test_addresses_beyond_those_that_may_be_waited_for_are_told_to_come_again(
    client: Client, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = threading.BoundedSemaphore(1)
    monkeypatch.setattr(fetch, "_FETCHES", turns)
    with turns:
        response = client.get("/api/search?url=http://pictures.example/a.jpg")
    assert response.status_code == 503


def test_moov_comes_first(client: Client, doc: dict[str, Any]) -> None:
    content = client.get(preview_path(doc)).getvalue()
    assert content.index(b"moov") < content.index(b"mdat")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "filename",
    ["搖曳露營 第05話「ゆるキャン△」.mp4", "[Ohys-Raws] Yuru Camp - 05 (AT-X 1280x720).mp4", "100% #1 & ?+;=.mp4", "🏕️ ..mp4", "a%20b.mp4"],
)  # fmt: skip
def test_any_name_of_a_file_works(client: Client, library: Library, path: Any, filename: str) -> None:
    library.video.filename = filename
    library.video.save()
    assert seconds(client.get(path(doc_of(library.video)))) > 0.9


@pytest.mark.parametrize("path", PATHS)
def test_ranges_are_served_and_known_bytes_are_not_sent_again(
    client: Client, doc: dict[str, Any], path: Any
) -> None:
    whole = client.get(path(doc))
    content = whole.getvalue()
    assert whole["Accept-Ranges"] == "bytes"
    part = client.get(path(doc), headers={"range": "bytes=0-1", "if-range": whole["ETag"]})
    assert (part.status_code, part.content) == (206, content[:2])
    assert part["Content-Range"] == f"bytes 0-1/{len(content)}"
    again = client.get(path(doc), headers={"if-none-match": whole["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", PATHS)
def test_clip_is_sent_while_it_is_cut_and_has_a_length_from_then_on(
    client: Client, doc: dict[str, Any], path: Any
) -> None:
    first = client.get(path(doc))
    assert first.streaming
    content = first.getvalue()
    second = client.get(path(doc))
    assert (second.streaming, second.content, second["ETag"]) == (False, content, first["ETag"])
    assert int(second["Content-Length"]) == len(content)


@pytest.mark.parametrize(
    "ask", [{"headers": {"range": "bytes=0-"}}, {"SERVER_PROTOCOL": "HTTP/1.0"}, {"SERVER_PROTOCOL": ""}]
)
def test_who_must_know_the_length_gets_it(client: Client, doc: dict[str, Any], ask: dict[str, Any]) -> None:
    response = client.get(preview_path(doc), **ask)
    assert not response.streaming
    assert int(response["Content-Length"]) == len(response.content) > 10_000


def test_head_of_a_clip_has_its_length(client: Client, doc: dict[str, Any]) -> None:
    head = client.head(preview_path(doc))
    assert (head.status_code, head.content) == (200, b"")
    assert int(head["Content-Length"]) == len(client.get(preview_path(doc)).getvalue())


def test_known_clip_is_not_cut_again(
    client: Client, doc: dict[str, Any], preview_cache: FileCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    etag = client.head(preview_path(doc))["ETag"]
    for path in preview_cache.root.rglob("*.mp4"):
        path.unlink()
    monkeypatch.setattr(clips, "clip_pieces", lambda *_, **__: pytest.fail("cut again"))
    assert client.get(preview_path(doc), headers={"if-none-match": etag}).status_code == 304


@pytest.mark.usefixtures("one_minute")
def test_clips_cut_for_one_caller_are_limited_and_cut_ones_are_free(
    client: Client, library: Library, settings: Settings
) -> None:
    settings.PREVIEW_CUTS_PER_MINUTE = 2
    docs = [doc_of(library.video, at_ms) for at_ms in (200, 300, 400)]
    for doc in docs[:2]:
        assert client.get(preview_path(doc)).getvalue()
    refused = client.get(preview_path(docs[2]))
    assert (refused.status_code, quoted(refused)) == (429, "Too many previews. Please wait a moment.")
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert client.get(preview_path(docs[0])).status_code == 200
    assert client.get(thumbnail_path(docs[2])).status_code == 200
    assert client.get(preview_path(docs[2]), REMOTE_ADDR="203.0.113.9").getvalue()
    # By now it is there for everybody.
    assert client.head(preview_path(docs[2])).status_code == 200


@pytest.mark.usefixtures("one_minute")
def test_addresses_of_one_ipv6_network_are_one_caller(
    client: Client, library: Library, settings: Settings
) -> None:
    settings.PREVIEW_CUTS_PER_MINUTE = 1
    statuses = []
    for number, net in ((1, 2), (2, 2), (3, 3)):
        address = f"2001:db8:1:{net}::{number}"
        response = client.get(preview_path(doc_of(library.video, 100 * number)), REMOTE_ADDR=address)
        assert response.getvalue()
        statuses.append(response.status_code)
    assert statuses == [200, 429, 200]


def test_limit_of_zero_is_none(client: Client, library: Library, settings: Settings) -> None:
    settings.PREVIEW_CUTS_PER_MINUTE = 0
    for at_ms in (300, 600):
        assert client.get(preview_path(doc_of(library.video, at_ms))).getvalue()


@pytest.mark.parametrize("path", PATHS)
def test_wrong_tokens_are_refused(client: Client, library: Library, doc: dict[str, Any], path: Any) -> None:
    token = doc["tokenthumb"]
    for wrong in ("", "x", token[:-1], token + "A", token.swapcase(), "A" * len(token)):
        response = client.get(path(doc, tokenthumb=wrong))
        assert response.status_code == 403
        assert_tells_nothing_internal(quoted(response))
    assert client.get(path(doc, at=1.0)).status_code == 403
    assert client.get(path(doc, anilist_id=1)).status_code == 403
    assert client.get(path(doc, filename="other.mp4")).status_code == 403


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("at", ["", "x", "-1", "nan", "inf", "1e99"])
def test_times_that_are_none_are_a_bad_request(
    client: Client, doc: dict[str, Any], path: Any, at: str
) -> None:
    response = client.get(path(doc, at=at))
    assert response.status_code == 400
    quoted(response)


@pytest.mark.parametrize("path", PATHS)
def test_token_expires(
    client: Client, doc: dict[str, Any], path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = clock.now() + timedelta(seconds=TOKEN_LIFETIME_S + 1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert client.get(path(doc)).status_code == 403


@pytest.mark.parametrize("path", PATHS)
def test_source_that_has_gone_is_not_found(client: Client, doc: dict[str, Any], path: Any) -> None:
    VideoFile.objects.all().delete()
    response = client.get(path(doc))
    assert response.status_code == 404
    assert_tells_nothing_internal(quoted(response))


def test_paths_lead_nowhere_but_to_videos_of_the_index(client: Client, doc: dict[str, Any]) -> None:
    for path in ("/video/98444/..%2F..%2Fetc%2Fpasswd", "/video/98444/../../etc/passwd", "/video/x/a.mp4",
                 "/video/98444/", "/video/98444/a/b.mp4", "/video/" + "9" * 400 + "/a.mp4"):  # fmt: skip
        response = client.get(f"{path}?t=1&token={doc['tokenthumb']}")
        assert response.status_code in (400, 403, 404), path
        assert_tells_nothing_internal(response.content.decode())


def test_other_methods_answer_in_the_dialect(client: Client, doc: dict[str, Any]) -> None:
    for path in PATHS:
        response = client.post(path(doc))
        assert response.status_code == 405
        quoted(response)
