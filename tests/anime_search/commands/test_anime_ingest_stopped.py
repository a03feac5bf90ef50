"""``anime_ingest`` that is killed, interrupted, or run twice at once: real processes."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.anime_search.commands.jobs_table import (
    assert_everything_indexed_once,
    decoding_jobs,
    ended_jobs,
)
from tests.command_line import CommandLine, Running, wait_until
from tests.conftest import MakeVideo

pytestmark = pytest.mark.slow

#: Times that a video's five seconds are repeated: half a second or so of decoding.
LONG = 12
#: Videos in the folder.
FILMS = 4


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def films(make_video: MakeVideo, collection: Path) -> Path:
    """Videos that each take a while, one after the other."""
    for seed in range(FILMS):
        make_video(f"{seed + 1}/film {seed}.mp4", seed=seed, seconds=5, repeat=LONG)
    return collection


@pytest.fixture
def in_the_middle(command_line: CommandLine, films: Path) -> Running:
    """A run of which one file is done, and another one half done."""
    running = command_line.start("anime_ingest", films, "--workers", 1, "--json")
    wait_until(lambda: ended_jobs(command_line) and decoding_jobs(command_line), "work is under way")
    return running


def test_run_that_was_killed_goes_on_where_it_was(
    command_line: CommandLine, films: Path, in_the_middle: Running
) -> None:
    in_the_middle.kill()
    finished = command_line.tracks()
    assert 0 < len(finished) < FILMS

    again = command_line.run("anime_ingest", films, "--json")

    assert again.returncode == 0, again.stderr
    assert again.summary["known_already"] == len(ended_jobs(command_line)) - again.summary["indexed"] >= 1
    assert_everything_indexed_once(command_line, FILMS)
    after = command_line.tracks()
    assert {name: after[name] for name in finished} == finished
    done_before = [attempts for path, attempts in ended_jobs(command_line) if "film 0" in path]
    assert done_before == [1]


def test_children_of_a_run_that_was_killed_end_by_themselves(
    command_line: CommandLine, films: Path, in_the_middle: Running
) -> None:
    children = psutil.Process(in_the_middle.process.pid).children(recursive=True)
    assert children
    in_the_middle.kill_alone()
    wait_until(lambda: not any(child.is_running() for child in children), "orphans end", patience_s=20)
    again = command_line.run("anime_ingest", films, "--json")
    assert again.returncode == 0
    assert_everything_indexed_once(command_line, FILMS)


def test_run_that_was_interrupted_says_so_and_goes_on_later(
    command_line: CommandLine, films: Path, in_the_middle: Running
) -> None:
    in_the_middle.interrupt()
    stopped = in_the_middle.finish()
    assert stopped.returncode == 130
    assert stopped.summary["indexed"] < FILMS
    assert stopped.stderr.splitlines()[-1] == "CommandError: stopped; run it again to go on"
    # A child that is only being started when its parent goes complains in the words of multiprocessing itself.
    complaints = stopped.stderr.split("Traceback")[1:]
    assert [text for text in complaints if "in spawn_main" not in text] == []
    assert command_line.rows("select count(*) from anime_search_ingestjob where status = 'running'") == [(0,)]

    again = command_line.run("anime_ingest", films, "--json")

    assert again.returncode == 0
    assert stopped.summary["indexed"] + again.summary["indexed"] == FILMS
    assert_everything_indexed_once(command_line, FILMS)
    # Being interrupted is no fault of a file: its attempts are not used up by it.
    assert {attempts for _, attempts in ended_jobs(command_line)} == {1}


def test_two_runs_at_once_share_the_work(command_line: CommandLine, films: Path) -> None:
    runs = [command_line.start("anime_ingest", films, "--workers", 1, "--json") for _ in range(2)]
    finished = [run.finish() for run in runs]
    assert [run.returncode for run in finished] == [0, 0], finished
    assert_everything_indexed_once(command_line, FILMS)
    assert {attempts for _, attempts in ended_jobs(command_line)} == {1}


def test_run_that_finds_another_killed_takes_its_file_over(
    command_line: CommandLine, films: Path, in_the_middle: Running
) -> None:
    other = command_line.start("anime_ingest", films, "--workers", 1, "--json")
    in_the_middle.kill()
    assert other.finish().returncode == 0
    assert_everything_indexed_once(command_line, FILMS)


def test_server_takes_over_what_a_killed_command_left_and_stops_in_order(
    command_line: CommandLine, films: Path, in_the_middle: Running
) -> None:
    in_the_middle.kill()
    server = command_line.start("serve", "--port", free_port())
    wait_until(lambda: decoding_jobs(command_line, server.process.pid), "the server decodes")
    server.process.send_signal(signal.SIGTERM)
    stopped = server.finish(patience_s=20)
    assert stopped.returncode == 0, stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert command_line.rows("select count(*) from anime_search_ingestjob where status = 'running'") == [(0,)]
    assert command_line.run("anime_ingest", films).returncode == 0
    assert_everything_indexed_once(command_line, FILMS)


class TestWatching:
    @pytest.fixture
    def watching(self, command_line: CommandLine, make_video: MakeVideo, collection: Path) -> Running:
        make_video("1.mp4", seed=1)
        running = command_line.start("anime_ingest", collection, "--watch", "--workers", 1, "--json")
        wait_until(lambda: len(ended_jobs(command_line)) == 1, "the first file is indexed")
        return running

    def test_new_and_replaced_files_are_indexed_until_ctrl_c(
        self,
        command_line: CommandLine,
        watching: Running,
        make_video: MakeVideo,
        published: Callable[[int], bool],
    ) -> None:
        make_video("new folder/2.mp4", seed=2)
        wait_until(lambda: published(2), "the new file is searchable")
        make_video("1.mp4", seed=3)
        wait_until(lambda: len(ended_jobs(command_line)) == 3 and published(2), "the replaced one is, too")
        watching.interrupt()
        finished = watching.finish()
        assert finished.returncode == 0, finished.stderr
        assert finished.summary["indexed"] == 3
        assert finished.summary["failed"] == 0

    def test_broken_file_that_came_is_reported_at_the_end(
        self, command_line: CommandLine, watching: Running, collection: Path
    ) -> None:
        (collection / "notes.mp4").write_text("no video")
        wait_until(lambda: len(ended_jobs(command_line)) == 2, "the broken file was looked at")
        watching.interrupt()
        finished = watching.finish()
        assert finished.returncode == 1
        assert finished.summary["failures"] == [
            f"{collection / 'notes.mp4'}: not a video file, or one of an unknown kind"
        ]

    @pytest.fixture
    def published(self, command_line: CommandLine) -> Callable[[int], bool]:
        def holds(videos: int) -> bool:
            status = command_line.run("anime_index", "status", "--json")
            return bool(status.summary["videos"] == videos and status.summary["videos_waiting"] == 0)

        return holds
