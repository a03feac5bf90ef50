"""The main job on PostgreSQL, Redis, and separate worker and server processes."""

from __future__ import annotations

import base64
import itertools
import json
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import psycopg
import pytest

from anime_search.demo import take_screenshot
from tests.command_line import PATIENCE_S, wait_until
from tests.footage import write_picture, write_video
from tests.integration.claiming import Claimers
from tests.integration.conftest import Site, redis_behind
from tests.integration.gate import Gate

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(300)]

_visitors = itertools.count(1)


def _visitor() -> dict[str, str]:
    """Headers of somebody who has not searched yet."""
    number = next(_visitors)
    return {"X-Forwarded-For": f"198.51.{number // 250}.{number % 250 + 1}"}


def _search(web: httpx.Client, shot: bytes) -> httpx.Response:
    return web.post("/api/anime/search", files={"image": ("shot.png", shot)}, headers=_visitor())


def _search_legacy(web: httpx.Client, shot: bytes) -> httpx.Response:
    return web.post("/api/search", json={"image": base64.b64encode(shot).decode()}, headers=_visitor())


def _ingest(site: Site, *paths: Path) -> dict[str, object]:
    done = site.manage("anime_ingest", "--json", *map(str, paths))
    assert done.returncode == 0, done.stderr + site.log("ingest")
    summary: dict[str, object] = json.loads(done.stdout)
    return summary


def _rows(site: Site, query: str, *values: object) -> list[tuple[object, ...]]:
    with psycopg.connect(site.environment["DATABASE_URL"]) as database:
        return database.execute(query, values).fetchall()


def _jobs(site: Site, path: Path) -> list[tuple[object, ...]]:
    """Status, outcome and attempts of each job that a file had, the newest first."""
    return _rows(
        site,
        "SELECT status, outcome, attempts FROM anime_search_ingestjob WHERE path = %s ORDER BY id DESC",
        str(path),
    )


def _decoding(site: Site) -> bool:
    return bool(
        _rows(site, "SELECT 1 FROM anime_search_ingestjob WHERE status = 'running' AND content <> ''")
    )


@pytest.fixture
def long_video(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A video that takes some seconds to decode; another one for each test."""
    seed = sum(request.node.name.encode())
    return write_video(tmp_path / "Long - 01.mp4", seed=seed, seconds=10, repeat=60)


def test_screenshot_is_found_over_both_apis(site: Site, web: httpx.Client, demo_clip: Path) -> None:
    assert _ingest(site, demo_clip.parent)["indexed"] == 1
    shot = take_screenshot(demo_clip).jpeg

    modern = _search(web, shot)
    assert modern.status_code == 200, modern.text + site.log("search")
    best = modern.json()["candidates"][0]
    assert (best["filename"], best["view"]) == (demo_clip.name, "full+mirrored")
    assert modern.json()["confident"] is True
    assert web.get(best["image"]).headers["content-type"] == "image/jpeg"

    legacy = _search_legacy(web, shot)
    assert legacy.json()["docs"][0]["filename"] == demo_clip.name
    assert legacy.headers["x-whatanime-limit"] == "9"


def test_second_run_decodes_nothing(site: Site, demo_clip: Path) -> None:
    summary = _ingest(site, demo_clip.parent)
    assert (summary["indexed"], summary["video_seconds"]) == (0, 0)


def test_broken_file_is_reported_and_the_other_indexed(site: Site, tmp_path: Path) -> None:
    write_video(tmp_path / "whole.mp4", seed=5)
    (tmp_path / "notes.mp4").write_text("no video")
    done = site.manage("anime_ingest", "--json", str(tmp_path))
    summary = json.loads(done.stdout)
    assert (done.returncode, summary["indexed"], summary["failed"]) == (1, 1, 1)


def test_same_content_under_two_names_is_decoded_once(site: Site, tmp_path: Path) -> None:
    for name in ("1.mp4", "2.mp4"):
        write_video(tmp_path / name, seed=6, seconds=5, repeat=10)
    summary = _ingest(site, tmp_path)
    assert (summary["indexed"], summary["known_by_content"]) == (1, 1)


def test_running_server_finds_new_video_without_a_failed_request(
    site: Site, web: httpx.Client, tmp_path: Path
) -> None:
    video = write_video(tmp_path / "7" / "New Show - 01.mp4", seed=7, seconds=6)
    shot = write_picture(tmp_path / "shot.png", seed=7, time_s=2.5).read_bytes()
    statuses: Counter[int] = Counter()
    stop = threading.Event()

    def search_on_and_on() -> None:
        while not stop.wait(0.05):
            statuses[_search(web, shot).status_code] += 1
            statuses[_search_legacy(web, shot).status_code] += 1

    searching = [threading.Thread(target=search_on_and_on) for _ in range(2)]
    for thread in searching:
        thread.start()
    try:
        assert not _search(web, shot).json()["confident"]
        _ingest(site, tmp_path)
        wait_until(lambda: _search(web, shot).json()["confident"], "the new video is found")
    finally:
        stop.set()
        for thread in searching:
            thread.join()
    best = _search(web, shot).json()["candidates"][0]
    assert (best["filename"], best["anilistId"]) == (video.name, 7)
    assert best["at"] == pytest.approx(2.5, abs=0.6)
    assert set(statuses) == {200}, statuses
    assert statuses[200] > 10


def test_job_of_a_killed_worker_is_done_once_by_another(site: Site, long_video: Path) -> None:
    command = site.start_command("anime_ingest", str(long_video.parent))
    wait_until(lambda: _decoding(site), f"the video is being decoded {site.log('ingest')[-2000:]}")
    site.kill("ingest")
    site.start_worker("ingest")
    assert command.wait(PATIENCE_S) == 0, site.log("command")
    assert _jobs(site, long_video) == [("done", "indexed", 2)]
    named = "SELECT count(*) FROM anime_search_video v JOIN anime_search_videofile f ON f.video_id = v.id"
    assert _rows(site, f"{named} WHERE f.path = %s", str(long_video)) == [(1,)]


def test_job_whose_command_is_gone_is_still_done_and_searchable(site: Site, long_video: Path) -> None:
    site.start_command("anime_ingest", str(long_video.parent))
    wait_until(lambda: _decoding(site), "the video is being decoded")
    site.kill("command")
    site.kill("ingest")
    site.start_worker("ingest")
    wait_until(lambda: _jobs(site, long_video)[0][0] == "done", "housekeeping has the job done")
    assert _jobs(site, long_video) == [("done", "indexed", 2)]

    def waiting() -> int:
        status = json.loads(site.manage("anime_index", "status", "--json").stdout)
        return int(status["videos_waiting"])

    wait_until(lambda: waiting() == 0, "housekeeping publishes it")


def test_worker_that_is_told_to_stop_gives_its_job_back(site: Site, long_video: Path) -> None:
    command = site.start_command("anime_ingest", str(long_video.parent))
    wait_until(lambda: _decoding(site), "the video is being decoded")
    worker = site.processes.pop("ingest")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0
    assert _jobs(site, long_video) == [("queued", "", 0)]
    site.start_worker("ingest")
    assert command.wait(PATIENCE_S) == 0, site.log("command")
    assert _jobs(site, long_video) == [("done", "indexed", 1)]


def test_of_many_processes_each_job_is_claimed_by_one(site: Site) -> None:
    """Claimed on PostgreSQL, where transactions of several processes do run at the same time."""
    script = (
        "import django, sys; django.setup()\n"
        "from anime_search.ingest.jobs import claim_job\n"
        "from anime_search.models import IngestJob\n"
        "IngestJob.objects.exists(); print('ready', flush=True); sys.stdin.readline()\n"
        "ids = list(IngestJob.objects.filter(path__startswith='claim ').values_list('pk', flat=True))\n"
        "print(sum(claim_job(job_id=pk) is not None for pk in ids))\n"
    )
    claimers = Claimers(site, script)
    # Not before: the site's own workers look for jobs every few seconds, and would claim some of them.
    jobs = 60
    _rows(
        site,
        "INSERT INTO anime_search_ingestjob (path, path_sha256, root, size, mtime_ns, inode, status, outcome,"
        " fault, message, content, attempts, owner, done_s, total_s, created_at)"
        " SELECT 'claim ' || n, 'claim ' || n, '/', 1, 1, '1', 'queued', '', '', '', '', 0, '', 0, 0, now()"
        " FROM generate_series(1, %s) n RETURNING id",
        jobs,
    )
    assert claimers.claim() == jobs
    claimed = _rows(site, "DELETE FROM anime_search_ingestjob WHERE path LIKE 'claim %%' RETURNING attempts")
    assert claimed == [(1,)] * jobs


def test_search_answers_503_while_redis_is_away_and_recovers(site: Site, gate: Gate, demo_clip: Path) -> None:
    web = site.start_server("behind-the-gate", REDIS_URL=redis_behind(gate, site))
    shot = take_screenshot(demo_clip).jpeg
    assert _search(web, shot).status_code == 200

    gate.shut()
    statuses: Counter[int] = Counter()
    for _ in range(4):
        started = time.monotonic()
        for answer in (_search(web, shot), _search_legacy(web, shot)):
            statuses[answer.status_code] += 1
            assert int(answer.headers["Retry-After"]) > 0
        assert time.monotonic() - started < 10
    assert statuses == {503: 8}, site.log("behind-the-gate")
    assert web.get("/").status_code == 200

    gate.open()
    wait_until(lambda: _search(web, shot).status_code == 200, "searches work again", patience_s=15)
    assert _search_legacy(web, shot).status_code == 200


def test_search_that_loses_redis_half_way_answers_503(site: Site, gate: Gate, demo_clip: Path) -> None:
    """The searches are under way, from the first byte to the last, when the connection breaks."""
    web = site.start_server("losing", REDIS_URL=redis_behind(gate, site))
    shot = take_screenshot(demo_clip).jpeg
    statuses: Counter[int] = Counter()
    stop = threading.Event()

    def search_on_and_on() -> None:
        while not stop.is_set():
            statuses[_search(web, shot).status_code] += 1

    searching = [threading.Thread(target=search_on_and_on) for _ in range(4)]
    for thread in searching:
        thread.start()
    for _ in range(4):
        time.sleep(0.6)
        gate.shut()
        time.sleep(0.3)
        gate.open()
    stop.set()
    for thread in searching:
        thread.join()
    assert set(statuses) == {200, 503}, f"{statuses} {site.log('losing')[-4000:]}"
    wait_until(lambda: _search(web, shot).status_code == 200, "searches work again", patience_s=15)


def test_search_answers_503_when_no_worker_serves_the_queue(site: Site, demo_clip: Path) -> None:
    alone = site.start_server("alone", ANIME_SEARCH_DEADLINE_S="1")
    site.kill("search")
    try:
        answer = _search(alone, take_screenshot(demo_clip).jpeg)
    finally:
        site.start_worker("search")
    assert answer.status_code == 503
    assert answer.json()["code"] == "SEARCH_TIMED_OUT"
    assert int(answer.headers["Retry-After"]) > 0
