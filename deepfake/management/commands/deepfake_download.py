"""``manage.py deepfake_download``: get the video behind an address, and show each step."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from core.commands import OperatorCommand
from deepfake.download import GotVideo, get_video
from deepfake.errors import DownloadFailed

#: Of a download that is watched, every so many tenths are told.
_TENTHS = 10


class Command(OperatorCommand):
    help = (
        "Download the video behind an address as an analysis does, within the same limits, and show each step: "
        "which extractor takes the address, what the site answers, which format is chosen. It costs no credits."
    )

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("url", metavar="URL")
        parser.add_argument(
            "--keep", type=Path, metavar="FOLDER", help="put the video there; else it is deleted again"
        )

    def run(self, *, url: str, keep: Path | None, **options: Any) -> dict[str, Any]:
        started = time.monotonic()
        if keep is not None and not keep.is_dir():
            raise CommandError(f"{keep} is not a folder")
        with tempfile.TemporaryDirectory(prefix="deepfake-download-") as scratch:
            try:
                got = get_video(
                    url,
                    Path(scratch),
                    on_progress=self._progress(),
                    cancelled=lambda: False,
                    on_step=self.say,
                )
            except DownloadFailed as error:
                took_s = round(time.monotonic() - started, 1)
                error.data["summary"] = {"error": error.message, "reason": error.reason, "seconds": took_s}
                raise
            size_bytes = got.path.stat().st_size
            kept = None if keep is None else _kept(got, keep)
        return {
            "extractor": got.extractor,
            "title": got.title,
            "file": None if kept is None else str(kept),
            "bytes": size_bytes,
            "duration_s": got.duration_s,
            "whole": got.whole,
            "seconds": round(time.monotonic() - started, 1),
        }

    def _progress(self) -> Any:
        told = -1

        def on_progress(share: float) -> None:
            nonlocal told
            if (tenths := int(share * _TENTHS)) > told:
                told = tenths
                self.say(f"{100 * share:.0f} % have come")

        return on_progress


def _kept(got: GotVideo, folder: Path) -> Path:
    """Move a video to where it is to stay, beside others that lie there."""
    number = 1
    while (target := folder / f"video-{number}{got.path.suffix}").exists():
        number += 1
    return Path(shutil.move(got.path, target))
