"""The demo clip indexed for real, and the site served from it: what contract tests ask questions of."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from django.conf import settings
from django.utils import timezone

from anime_search import runtime
from anime_search.demo import demo_videos, take_screenshot
from anime_search.engine.index.segment import VideoFrames
from anime_search.engine.index.store import IndexStore
from anime_search.engine.stamp import FileStamp
from anime_search.engine.track import FrameTrack, load_track, track_path
from anime_search.engine.work import TrackOrder, carry_out, digest_file
from anime_search.ingest.discovery import path_key
from anime_search.models import Anime, FrameTrackFile, Video, VideoFile
from config.env import BASE_DIR

FILENAME = "[Peach] Big Buck Bunny - 05 (1280x720).mp4"

#: Serves what :func:`put_clip` laid down, with the project's own settings.
SERVE = """
import django, sys
django.setup()
from pathlib import Path
from django.core.management import call_command
from tests.contracts.live import big_buck_bunny, clip_at, put_video
call_command("migrate", verbosity=0)
put_video(clip_at(Path(sys.argv[1])), anime=big_buck_bunny())
call_command("serve", host="127.0.0.1", port=int(sys.argv[2]))
"""


@dataclass(frozen=True, slots=True)
class Clip:
    """The demo clip with its index, in a data directory of its own.

    Attributes:
        data: the data directory, whose folder ``index`` holds one generation with the clip's frames.
        path: the video file.
        track: its frames as the index holds them.
    """

    data: Path
    path: Path
    track: FrameTrack

    def handle(self) -> runtime.IndexHandle:
        """The index, as a process holds it."""
        return runtime.IndexHandle(index_store(self.data))

    def screenshot(self, share: float = 0.45) -> bytes:
        """A degraded frame of the clip as JPEG."""
        return take_screenshot(self.path, share).jpeg


def put_clip(data: Path) -> Clip:
    """Index the demo clip below ``data``, as ingest does it, without a database."""
    path = next(demo_videos(data / "videos").rglob("*.mp4"))
    stamp, descriptor = FileStamp.of(path), runtime.geometry().descriptor
    sha256 = digest_file(path, stamp)
    carry_out(
        TrackOrder(
            path, stamp, sha256, data / "tracks", descriptor, settings.ANIME_SAMPLE_RATE_HZ,
            runtime.VIDEO_LIMITS, threads=2,
        )
    )  # fmt: skip
    track = load_track(track_path(data / "tracks", descriptor, sha256))
    frames = VideoFrames(sha256, track.descriptors, np.stack([track.from_ms, track.at_ms, track.to_ms]))
    store = index_store(data)
    with store.writing():
        store.add(iter([frames]), len(track), threads=1)
    return Clip(data, path, track)


def clip_at(data: Path) -> Clip:
    """The clip that :func:`put_clip` indexed below ``data``."""
    path = next((data / "videos").rglob("*.mp4"))
    sha256 = digest_file(path, FileStamp.of(path))
    return Clip(data, path, load_track(track_path(data / "tracks", runtime.geometry().descriptor, sha256)))


def index_store(data: Path) -> IndexStore:
    """The index below a data directory."""
    geometry = runtime.geometry()
    return IndexStore(data / "index", geometry, ef=settings.ANIME_INDEX_EF)


def big_buck_bunny(**changes: Any) -> Anime:
    """A title with all that a title may have."""
    fields: dict[str, Any] = {
        "anilist_id": 98444,
        "mal_id": 34798,
        "title_native": "ゆるキャン△",
        "title_romaji": "Yuru Camp△",
        "title_english": "Laid-Back Camp",
        "title_chinese": "搖曳露營",
        "title_korean": "유루캠△",
        "synonyms": ["Yurucamp", "Yurukyan△"],
        "season": "WINTER",
        "season_year": 2018,
        "start_month": 1,
        "format": "TV",
    }
    return Anime.objects.create(**fields | changes)


def put_video(
    clip: Clip,
    *,
    anime: Anime | None = None,
    filename: str = FILENAME,
    path: Path | None = None,
    **changes: Any,
) -> Video:
    """The row of a video with the clip's content, and those of its track and of the file it lies in."""
    path, info = path or clip.path, clip.track.info
    stamp = FileStamp.of(path)
    fields: dict[str, Any] = {
        "sha256": clip.track.video,
        "size": stamp.size,
        "anime": anime,
        "filename": filename,
        "title": "Big Buck Bunny",
        "episode": 5.0,
        "kind": "episode",
        "duration_ms": round(info.duration_s * 1000),
        "width": info.width,
        "height": info.height,
        "fps": info.fps,
        "codec": info.codec,
    }
    video = Video.objects.create(**fields | changes)
    FrameTrackFile.objects.create(
        video=video, descriptor=clip.track.descriptor, frames=len(clip.track), sha256=clip.track.video
    )
    VideoFile.objects.create(
        video=video, path=str(path), path_sha256=path_key(path), size=stamp.size, mtime_ns=stamp.mtime_ns,
        inode=stamp.inode, seen_at=timezone.now(),
    )  # fmt: skip
    return video


class Site:
    """``manage.py serve`` as a process of its own, with the project's own settings; a context manager."""

    def __init__(self, clip: Clip, data: Path) -> None:
        shutil.copytree(clip.data, data, dirs_exist_ok=True)
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log_path = data / "serve.log"
        environment = {
            name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")
        }
        self._environment = {
            **environment,
            "DATA_DIR": str(data),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            # Tests come from addresses of their own, so that each has limits of its own.
            "TRUSTED_PROXIES": "127.0.0.1/32",
        }
        with self._log_path.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", SERVE, str(data), str(self.port)],
                cwd=BASE_DIR,
                env=self._environment,
                stdout=log,
                stderr=log,
            )

    def __enter__(self) -> Site:
        deadline = time.monotonic() + 90
        while True:
            try:
                httpx.get(f"{self.url}/api/me", trust_env=False)
            except httpx.TransportError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.__exit__()
                    raise AssertionError(f"the server did not start: {self.log()}") from None
                time.sleep(0.1)
            else:
                return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def run(self, script: str, *arguments: str) -> str:
        """Run Python beside the server, with its settings and its database; returns what it prints."""
        done = subprocess.run(
            [sys.executable, "-c", f"import django, sys; django.setup()\n{script}", *arguments],
            cwd=BASE_DIR, env=self._environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def log(self) -> str:
        """What the server has written so far."""
        return self._log_path.read_text()


#: Makes a user, signs it in, and prints the session's cookie.
SIGN_IN = """
from django.conf import settings
from django.test import Client
from accounts.models import User
user = User.objects.create_user(sys.argv[1], sys.argv[2])
client = Client()
client.force_login(user)
print(f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}")
"""


def site_session(site: Site, email: str, password: str = "") -> str:
    """The cookie, as a header has it, of a new user who is signed in at a running site."""
    return site.run(SIGN_IN, email, password).strip()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
