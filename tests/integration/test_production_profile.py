"""The main job on PostgreSQL, Redis, and separate worker and server processes."""

from __future__ import annotations

import base64
import json
import threading
import time
from pathlib import Path

import httpx
import psycopg
import pytest

from anime_search.demo import take_screenshot
from tests.footage import write_picture, write_video
from tests.integration.conftest import PATIENCE_S, Site, free_port

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


def _ingest(site: Site, *paths: Path) -> dict[str, object]:
    done = site.manage("anime_ingest", "--json", *map(str, paths))
    assert done.returncode == 0, done.stderr + site.log("ingest")
    summary: dict[str, object] = json.loads(done.stdout)
    return summary


def _job(site: Site, path: Path) -> tuple[str, str, int] | None:
    with psycopg.connect(site.environment["DATABASE_URL"]) as database:
        return database.execute(
            "SELECT status, outcome, attempts FROM anime_search_ingestjob WHERE path = %s ORDER BY id DESC",
            [str(path)],
        ).fetchone()


def test_screenshot_is_found_over_both_apis(site: Site, web: httpx.Client, demo_clip: Path) -> None:
    assert _ingest(site, demo_clip.parent)["indexed"] == 1
    shot = take_screenshot(demo_clip).jpeg

    modern = web.post("/api/anime/search", files={"image": ("shot.jpg", shot)})
    assert modern.status_code == 200, modern.text + site.log("search")
    best = modern.json()["candidates"][0]
    assert (best["filename"], best["view"]) == (demo_clip.name, "full+mirrored")
    assert modern.json()["confident"] is True
    assert web.get(best["image"]).headers["content-type"] == "image/jpeg"

    legacy = web.post("/api/search", json={"image": base64.b64encode(shot).decode()})
    assert legacy.json()["docs"][0]["filename"] == demo_clip.name
    assert legacy.headers["x-whatanime-limit"] == "9"


def test_second_run_decodes_nothing(site: Site, demo_clip: Path) -> None:
    assert _ingest(site, demo_clip.parent)["video_seconds"] == 0


def test_running_server_finds_new_video_without_a_failed_request(
    site: Site, web: httpx.Client, tmp_path: Path
) -> None:
    video = write_video(tmp_path / "7" / "New Show - 01.mp4", seed=7, seconds=6)
    shot = write_picture(tmp_path / "shot.png", seed=7, time_s=2.5).read_bytes()
    answers: list[int] = []
    stop = threading.Event()

    def search_on_and_on() -> None:
        while not stop.is_set():
            answers.append(web.post("/api/anime/search", files={"image": ("shot.png", shot)}).status_code)
            time.sleep(0.7)

    searching = threading.Thread(target=search_on_and_on)
    searching.start()
    try:
        _ingest(site, tmp_path)
        deadline, found = time.monotonic() + 30, ""
        while found != video.name and time.monotonic() < deadline:
            body = web.post("/api/anime/search", files={"image": ("shot.png", shot)}).json()
            found = body["candidates"][0]["filename"] if body.get("candidates") else ""
            time.sleep(0.3)
    finally:
        stop.set()
        searching.join()
    assert found == video.name
    assert set(answers) == {200}
    assert body["candidates"][0]["anilistId"] == 7


def test_job_of_a_killed_worker_is_done_once_by_another(site: Site, tmp_path: Path) -> None:
    video = write_video(tmp_path / "Long - 01.mp4", seed=8, seconds=60, codec="libx264", repeat=20)
    site.start("command", "manage.py", "anime_ingest", str(tmp_path))
    deadline = time.monotonic() + PATIENCE_S
    while (job := _job(site, video)) is None or job[0] != "running":
        assert time.monotonic() < deadline, f"{job} {site.log('command')} {site.log('ingest')}"
        time.sleep(0.05)
    site.kill("ingest")
    site.start_worker("ingest")
    assert site.processes["command"].wait(PATIENCE_S) == 0, site.log("command")
    assert _job(site, video) == ("done", "indexed", 2)
    with psycopg.connect(site.environment["DATABASE_URL"]) as database:
        assert database.execute(
            "SELECT count(*) FROM anime_search_video WHERE filename = %s", [video.name]
        ).fetchone() == (1,)


def test_search_answers_503_while_redis_is_away(site: Site, demo_clip: Path) -> None:
    shot = take_screenshot(demo_clip).jpeg
    cut_off = site.start_server("cut-off", REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    modern = cut_off.post("/api/anime/search", files={"image": ("shot.jpg", shot)})
    legacy = cut_off.post("/api/search", json={"image": base64.b64encode(shot).decode()})
    assert (modern.status_code, legacy.status_code) == (503, 503), site.log("cut-off")
    assert int(modern.headers["Retry-After"]) > 0
    assert isinstance(legacy.json(), str)
    assert cut_off.get("/").status_code == 200


def test_search_answers_503_when_no_worker_serves_the_queue(
    site: Site, web: httpx.Client, demo_clip: Path
) -> None:
    alone = site.start_server("alone", ANIME_SEARCH_DEADLINE_S="1")
    site.kill("search")
    try:
        answer = alone.post(
            "/api/anime/search", files={"image": ("shot.jpg", take_screenshot(demo_clip).jpeg)}
        )
    finally:
        site.start_worker("search")
    assert answer.status_code == 503
    assert answer.json()["code"] == "SEARCH_TIMED_OUT"
