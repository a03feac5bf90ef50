"""Our client against a running site: everything that it offers."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import frameproof
import pytest
from frameproof.cli import main

from tests.contracts.client.conftest import Service
from tests.contracts.live import FILENAME
from tests.contracts.pictures import noise, saved


def assert_found(found: frameproof.SearchResult) -> None:
    match = found.match
    assert match is not None
    assert (match.title, match.titles.korean, match.episode) == ("Yuru Camp△", "유루캠△", 5)
    assert (match.filename, match.anilist_id, match.is_adult) == (FILENAME, 98444, False)
    assert match.from_s <= match.at_s <= match.to_s
    assert 5 < match.duration_s < 6
    assert match.probability > 0.9
    assert found.searched_frames > 0
    assert found.timings_ms["total"] > 0


def test_picture_is_found_by_path_bytes_and_text(service: Service, key: str) -> None:
    with service.client(key) as client:
        for image in (service.picture, str(service.picture), service.picture.read_bytes()):
            assert_found(client.search(image))


def test_clip_says_how_many_frames_agree(service: Service, key: str) -> None:
    with service.client(key) as client:
        found = client.search(service.video)
    assert_found(found)
    assert found.frames is not None
    assert 1 <= found.frames.agreeing <= found.frames.asked


def test_what_is_left_is_told_with_the_answer(service: Service) -> None:
    with service.client(service.key()) as client:
        limits = client.search(service.picture).limits
    assert (limits["window"].limit, limits["window"].remaining, limits["window"].window_s) == (100, 99, 3600)
    assert (limits["free"].limit, limits["free"].remaining) == (10, 9)
    assert 0 < limits["free"].resets_in_s <= 86_400


def test_same_search_is_charged_once_under_one_name(service: Service) -> None:
    with service.client(service.key()) as client:
        first = client.search(service.picture, idempotency_key="mine")
        again = client.search(service.picture, idempotency_key="mine")
        assert again.candidates == first.candidates
        assert again.limits["free"].remaining == first.limits["free"].remaining == 9
        with pytest.raises(frameproof.RequestRefused) as refused:
            client.search(b"other", idempotency_key="mine")
    assert (refused.value.status, refused.value.code) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_video_is_judged_in_one_request(service: Service) -> None:
    with service.client(service.key()) as client:
        judged = client.detect(service.video)
        assert (judged.result, judged.status, judged.credits_remaining) == ("real", "done", 4)
        assert judged.model == frameproof.models.Model("Bright", "1")
        assert judged.prob_fake is not None
        assert judged.prob_real == pytest.approx(1 - judged.prob_fake)
        assert judged.confidence == pytest.approx(100 * judged.prob_real)
        assert judged.evidence is not None
        assert judged.evidence["video"]["width"] == 1280
        assert (judged.limits["day"].limit, judged.limits["day"].remaining) == (100, 99)


def test_video_is_judged_as_a_job(service: Service) -> None:
    with service.client(service.key()) as client:
        begun = client.start_detection(service.video.read_bytes())
        assert begun.is_open
        assert begun.status_url == f"{service.site.url}/api/v1/analysis/{begun.id}"
        done = client.wait_for(begun)
        assert (done.id, done.status, done.result) == (begun.id, "done", "real")
        again = client.wait_for(begun.id)
        assert dataclasses.replace(again, limits={}) == dataclasses.replace(done, limits={})
        page = client.analyses(per_page=1)
        assert [each.id for each in page.analyses] == [begun.id]
        assert (page.pagination.total, page.pagination.total_pages) == (1, 1)
        assert client.usage().usage.analyses_today == 1
        assert client.dismiss(begun.id) == "deleted"
        with pytest.raises(frameproof.NotFound):
            client.get_analysis(begun.id)


def test_wait_that_is_over_says_which_analysis_goes_on(service: Service, key: str) -> None:
    with service.client(key) as client:
        begun = client.start_detection("https://127.0.0.1.nip.invalid/clip.mp4")
        with pytest.raises((frameproof.StillRunning, frameproof.DownloadFailed)) as told:
            client.wait_for(begun, timeout_s=0)
        if isinstance(told.value, frameproof.StillRunning):
            assert told.value.analysis_id == begun.id


def test_analysis_without_verdict_is_an_error(service: Service) -> None:
    with service.client(service.key()) as client:
        with pytest.raises(frameproof.DownloadFailed) as in_one_request:
            client.detect(b"text")
        begun = client.start_detection(b"text")
        with pytest.raises(frameproof.DownloadFailed) as as_a_job:
            client.wait_for(begun)
        assert (in_one_request.value.status, as_a_job.value.status) == (400, 0)
        assert in_one_request.value.message == as_a_job.value.message
        assert client.account().user.credits_balance == 5


def test_account_and_usage(service: Service) -> None:
    key = service.key(7)
    with service.client(key) as client:
        account, usage = client.account(), client.usage()
    assert (account.user.username, account.user.tier, account.user.credits_balance) == ("john_doe", "pro", 7)
    assert (account.api_key.name, account.api_key.daily_limit) == ("Production", 100)
    assert key.startswith(account.api_key.prefix)
    assert (usage.limits.daily_api_used, usage.limits.daily_api_remaining) == (2, 98)


def test_rankings_and_recent_searches(service: Service, key: str) -> None:
    with service.client(key) as client, service.client("") as guest:
        client.search(service.picture)
        ranking = guest.rankings("daily", limit=5)
        (recent, *_) = guest.recent_searches(limit=1).searches
        with pytest.raises(frameproof.RequestRefused) as refused:
            guest.rankings("hourly")
    assert (ranking.period, ranking.rankings[0].title, ranking.rankings[0].rank) == ("daily", "Yuru Camp△", 1)
    assert ranking.first_day == ranking.last_day
    assert (recent.anilist_id, recent.episode) == (98444, 5)
    assert refused.value.code == "INVALID_PARAMETER"


@pytest.mark.parametrize(
    ("image", "kind", "code"),
    [
        (b"text", frameproof.MediaRefused, "IMAGE_UNDECODABLE"),
        (b"", frameproof.MediaRefused, "IMAGE_EMPTY"),
        (bytes(34_000_000), frameproof.MediaRefused, "BODY_TOO_LARGE"),
        ("http://169.254.169.254/latest", frameproof.DownloadFailed, "DOWNLOAD_FAILED"),
        ("ftp://pictures.example/a.png", frameproof.DownloadFailed, "DOWNLOAD_FAILED"),
    ],
)
def test_media_that_is_none_is_named(
    service: Service, key: str, image: Any, kind: type[frameproof.ApiError], code: str
) -> None:
    with service.client(key) as client, pytest.raises(kind) as refused:
        client.search(image)
    assert refused.value.code == code
    assert refused.value.message in str(refused.value)


def test_keys_and_credits_that_are_none_are_named(service: Service) -> None:
    with service.client("ak_wrong") as client, pytest.raises(frameproof.AccessDenied, match="INVALID_KEY"):
        client.search(service.picture)
    with service.client("") as client, pytest.raises(frameproof.AccessDenied, match="MISSING_AUTH"):
        client.usage()
    with service.client(service.key(0)) as client, pytest.raises(frameproof.OutOfCredits):
        client.detect(service.video)


def test_file_that_is_not_there_is_an_os_error(service: Service, key: str) -> None:
    with service.client(key) as client, pytest.raises(FileNotFoundError):
        client.search("nowhere.png")


def test_asynchronous_client_does_the_same(service: Service) -> None:
    key = service.key()

    async def ask() -> None:
        async with frameproof.AsyncClient(service.site.url, key) as client:
            found = await asyncio.gather(*(client.search(image) for image in
                                           (service.picture, service.picture.read_bytes())))  # fmt: skip
            for each in found:
                assert_found(each)
            begun = await client.start_detection(service.video)
            assert (await client.wait_for(begun)).result == "real"
            assert (await client.detect(service.video)).credits_remaining == 3
            assert (await client.account()).user.tier == "pro"
            assert (await client.usage()).usage.analyses_today == 2
            assert (await client.rankings()).period == "all"
            assert (await client.recent_searches()).offset == 0
            assert len((await client.analyses()).analyses) == 2
            assert await client.dismiss(begun.id) == "deleted"
            with pytest.raises(frameproof.NotFound):
                await client.get_analysis(begun.id)

    asyncio.run(ask())


class TestCommand:
    """``frameproof search`` and ``frameproof detect``."""

    @pytest.fixture(autouse=True)
    def _environment(self, service: Service, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FRAMEPROOF_HOST", service.site.url)
        monkeypatch.setenv("FRAMEPROOF_API_KEY", key)

    def test_search_tells_a_person(self, service: Service, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["search", str(service.picture)]) == 0
        head, line = capsys.readouterr().out.splitlines()
        assert head == "Found:"
        assert line.startswith("  Yuru Camp△, episode 5, at 0:02  (")

    def test_search_tells_a_script(self, service: Service, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["search", "--json", str(service.picture)]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["confident"] is True
        assert told["candidates"][0]["titles"]["native"] == "ゆるキャン△"

    def test_search_reads_standard_input(self, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        stdin = io.TextIOWrapper(io.BytesIO(service.picture.read_bytes()))
        monkeypatch.setattr("sys.stdin", stdin)
        assert main(["search", "-"]) == 0

    def test_picture_of_nothing_is_no_match(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "noise.png").write_bytes(saved(noise(), "PNG"))
        assert main(["search", str(tmp_path / "noise.png")]) == 1
        assert capsys.readouterr().out.startswith(("No scene is sure.", "Nothing like it"))

    @pytest.mark.parametrize("options", [[], ["--job"]])
    def test_detect_tells_a_person(
        self, service: Service, capsys: pytest.CaptureFixture[str], options: list[str]
    ) -> None:
        assert main(["detect", str(service.video), *options]) == 0
        verdict, model, *_ = capsys.readouterr().out.splitlines()
        assert verdict.startswith("Likely real, 8")
        assert model == "  model Bright 1"

    def test_detect_tells_a_script(self, service: Service, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["detect", "--json", str(service.video)]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["result"], told["model"]) == ("real", {"name": "Bright", "version": "1"})

    @pytest.mark.parametrize(
        ("arguments", "environment", "status", "words"),
        [
            (["search", "nowhere.png"], {}, 3, "nowhere.png: No such file or directory"),
            (["search", "ftp://pictures.example/a.png"], {}, 3, "(DOWNLOAD_FAILED)"),
            (["detect", "ftp://videos.example/a.mp4"], {}, 3, "(DOWNLOAD_FAILED)"),
            (["detect", "https://v.example/a.mp4"], {"FRAMEPROOF_API_KEY": ""}, 4, "(MISSING_AUTH)"),
            (["detect", "https://v.example/a.mp4"], {"FRAMEPROOF_API_KEY": "ak_x"}, 4, "(INVALID_KEY)"),
            (["search", "--host", "127.0.0.1", "a.png"], {}, 3, "must begin with http"),
        ],
    )
    def test_failure_has_a_status_and_words(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
        arguments: list[str], environment: dict[str, str], status: int, words: str,
    ) -> None:  # fmt: skip
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        assert main([*arguments, "--json"]) == status
        told = capsys.readouterr()
        assert words in told.err
        error = json.loads(told.out)["error"]
        assert error["message"] in told.err
        assert words in f"{error['message']} ({error['code']})"

    def test_used_up_credits_have_a_status(self, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FRAMEPROOF_API_KEY", service.key(0))
        assert main(["detect", str(service.video)]) == 5

    def test_command_line_that_is_none(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as stopped:
            main(["find", "a.png"])
        assert stopped.value.code == 2
