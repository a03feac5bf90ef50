"""``manage.py mcp`` as an agent's host starts it: a process that speaks over standard input and output."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from django.core.management import CommandError, call_command
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests.command_line import PROJECT, CommandLine, process_environment
from tests.contracts.live import Clip
from tests.contracts.mcp.agent import words_of

#: Lays down a title, a model and a user with a key, and prints the key.
SET_UP = """
import django, sys
django.setup()
from pathlib import Path
from accounts.models import User
from apikeys.services import create_key
from credits.ledger import grant_credits
from tests.contracts.live import big_buck_bunny, clip_at, put_video
from tests.deepfake.models_shelf import shelve, use
put_video(clip_at(Path(sys.argv[1])), anime=big_buck_bunny())
shelve("bright")
use("bright")
user = User.objects.create_user("eve@example.com", "x", tier="pro")
grant_credits(user_id=user.pk, amount=3, reason="a test", actor="command")
print(create_key(user_id=user.pk, title="agent")[1])
"""


@pytest.fixture
def installation(clip: Clip, migrated: Path, tmp_path: Path) -> tuple[Path, str]:
    """A data directory with the clip's index, and a user's key."""
    data = tmp_path / "site"
    shutil.copytree(migrated, data)
    shutil.copytree(clip.data, data, dirs_exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", SET_UP, str(data)], cwd=PROJECT, capture_output=True, text=True, timeout=90,
        env=process_environment(data) | {"DJANGO_SETTINGS_MODULE": "config.settings"}, check=True,
    )  # fmt: skip
    return data, done.stdout.strip()


def with_server(data: Path, *options: str, work: Any, **environment: str) -> Any:
    """Do something with a client of a server process."""
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["manage.py", "mcp", *options],
        cwd=PROJECT,
        env=process_environment(data) | environment,
    )

    async def run() -> Any:
        with (data / "mcp.log").open("w") as log:
            async with Client(stdio_client(parameters, errlog=log), read_timeout_seconds=90) as client:
                return await work(client)

    return anyio.run(run)


def test_agent_searches_and_judges_over_standard_streams(
    installation: tuple[Path, str], screenshot: bytes
) -> None:
    data, key = installation
    (data / "shot.jpg").write_bytes(screenshot)
    video = next((data / "videos").rglob("*.mp4"))
    reported: list[float] = []

    async def report(progress: float, total: float | None, message: str | None) -> None:
        reported.append(progress)

    async def work(client: Client) -> None:
        listed = {each.name: each for each in (await client.list_tools()).tools}
        assert set(listed) == {"search_scene", "detect_video", "video_verdict", "my_limits"}
        assert "path" in listed["search_scene"].input_schema["properties"]
        found = await client.call_tool("search_scene", {"path": str(data / "shot.jpg")})
        assert words_of(found).startswith("A match: the first one.\n1. Yuru Camp△, episode 5")
        judged = await client.call_tool("detect_video", {"path": str(video)}, progress_callback=report)
        assert not judged.is_error, words_of(judged)
        assert judged.structured_content is not None
        assert judged.structured_content["model"] == "Bright 1"
        again = await client.call_tool(
            "video_verdict", {"analysis_id": judged.structured_content["analysis_id"]}
        )
        assert again.structured_content == judged.structured_content
        missing = await client.call_tool("search_scene", {"path": str(data / "none.jpg")})
        assert words_of(missing).endswith("(FILE_UNREADABLE)")
        limits = await client.call_tool("my_limits", {})
        assert words_of(limits).startswith("Tier pro, 2 bought credits.\n")

    with_server(data, work=work, FRAMEPROOF_API_KEY=key)
    assert reported[-1] == 100
    assert "Traceback" not in (data / "mcp.log").read_text()


def test_server_acts_for_a_named_user(installation: tuple[Path, str]) -> None:
    data, _key = installation

    async def work(client: Client) -> Any:
        return (await client.call_tool("my_limits", {})).structured_content

    assert with_server(data, "--user", "Eve@example.com", work=work)["credits"] == 3


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "key", "words"),
    [
        ([], "", "on whose behalf? Set FRAMEPROOF_API_KEY to an API key, or give --user EMAIL"),
        (["--user", "nobody@example.com"], "", "There is no open account of this name any more."),
        ([], "ak_wrong", "The API key is not valid."),
        (["--user", "nobody@example.com"], "ak_wrong", "give either --user or FRAMEPROOF_API_KEY"),
        (["--http", "--user", "nobody@example.com"], "", "with --http each request shows its own key"),
    ],
)
def test_server_does_not_start_for_nobody(
    monkeypatch: pytest.MonkeyPatch, options: list[str], key: str, words: str
) -> None:
    monkeypatch.setenv("FRAMEPROOF_API_KEY", key)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    with pytest.raises(CommandError, match=re.escape(words)):
        call_command("mcp", *options)


def test_server_that_cannot_start_says_why_and_nothing_on_standard_output(command_line: CommandLine) -> None:
    done = command_line.run("mcp")
    assert (done.returncode, done.stdout) == (1, "")
    assert "on whose behalf?" in done.stderr
