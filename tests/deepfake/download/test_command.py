"""``manage.py deepfake_download``, in this process."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.core.loopback_web import answer
from tests.deepfake.download.conftest import Site
from tests.footage import video_bytes

VIDEO = video_bytes(seed=1)


def run(*arguments: str) -> tuple[str, str, CommandError | None]:
    out, err = io.StringIO(), io.StringIO()
    error = None
    try:
        call_command("deepfake_download", *arguments, stdout=out, stderr=err)
    except CommandError as failure:
        error = failure
    return out.getvalue(), err.getvalue(), error


@pytest.fixture
def url(site: Site) -> str:
    site.server.replies["/v.mp4"] = answer(VIDEO)
    one: dict[str, Any] = {"format_id": "22", "url": "/v.mp4", "ext": "mp4", "vcodec": "avc1"}
    return site.say("one", title="A\x1b[2J cat", formats=[one])


def test_each_step_is_shown_and_the_video_kept(url: str, tmp_path: Path) -> None:
    (tmp_path / "video-1.mp4").write_text("another")
    out, err, error = run(url, "--keep", str(tmp_path), "--json")
    summary = json.loads(out)
    assert error is None
    assert (tmp_path / "video-2.mp4").read_bytes() == VIDEO
    assert summary.pop("seconds") > 0
    assert summary == {
        "extractor": "loopback",
        "title": "A[2J cat",
        "file": str(tmp_path / "video-2.mp4"),
        "bytes": len(VIDEO),
        "duration_s": None,
        "whole": True,
    }
    for step in (
        "extractor: loopback",
        "Downloading JSON metadata",
        "format: 22 ",
        f"got {len(VIDEO)} bytes",
    ):
        assert step in err
    assert "\x1b" not in err


def test_failure_is_told_with_its_reason(site: Site) -> None:
    url = site.say("one", is_live=True, formats=[])
    out, err, error = run(url, "--json")
    assert error is not None
    assert error.returncode == 1
    assert json.loads(out)["reason"] == "live"
    assert "extractor: loopback" in err


def test_folder_to_keep_it_in_has_to_exist(site: Site, tmp_path: Path) -> None:
    _, _, error = run(site.server.url("/x.mp4"), "--keep", str(tmp_path / "none"))
    assert "is not a folder" in str(error)
    assert site.server.requests == []
