"""What the table of jobs says while commands in other processes work on it."""

from __future__ import annotations

from tests.command_line import CommandLine


def ended_jobs(command_line: CommandLine) -> list[tuple[str, int]]:
    """Path and attempts of the jobs that have ended."""
    return command_line.rows(
        "select path, attempts from anime_search_ingestjob where status in ('done', 'failed') order by path"
    )


def decoding_jobs(command_line: CommandLine, pid: int | str = "%") -> list[tuple[str]]:
    """Path of each job whose file has been read and is being decoded (by the process ``pid``)."""
    return command_line.rows(
        "select path from anime_search_ingestjob where status = 'running' and content <> ''"
        f" and owner like '%:{pid}:%'"
    )


def assert_everything_indexed_once(command_line: CommandLine, videos: int) -> None:
    """One job, file, video and track for each file, all of them in the index, nothing open."""
    tables = ("ingestjob", "videofile", "video", "frametrackfile")
    counts = {name: command_line.rows(f"select count(*) from anime_search_{name}")[0][0] for name in tables}
    assert counts == dict.fromkeys(tables, videos)
    assert command_line.rows("select distinct status, outcome from anime_search_ingestjob") == [
        ("done", "indexed")
    ]
    status = command_line.run("anime_index", "status", "--json").summary
    assert (status["videos"], status["videos_waiting"], status["problems"]) == (videos, 0, [])
