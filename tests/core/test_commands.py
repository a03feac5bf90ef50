"""What every operator's command keeps: streams, exit status, summaries, stopping."""

from __future__ import annotations

import io
import json
import os
import signal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import CommandParser
from django.db import OperationalError
from rich.console import Console

from core.commands import STOPPED, OperatorCommand, one_line
from core.errors import DomainError
from core.progress import LineProgress, PlainColumn


class Sweep(OperatorCommand):
    """A command that does what its test tells it."""

    writes = True

    def __init__(self, result: Any = None) -> None:
        super().__init__(stdout=io.StringIO(), stderr=io.StringIO())
        self.result = {"swept": 3, "rate": 1.25, "left": []} if result is None else result
        self.options: dict[str, Any] = {}

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("--times", type=int, default=1)

    def run(self, **options: Any) -> dict[str, Any]:
        self.options = options
        if isinstance(self.result, BaseException):
            raise self.result
        if callable(self.result):
            self.result(self)
            return {}
        return dict(self.result)

    @property
    def printed(self) -> str:
        return str(self.stdout._out.getvalue())

    @property
    def said(self) -> str:
        return str(self.stderr._out.getvalue())


def test_summary_is_a_line_a_fact() -> None:
    command = Sweep({"swept": 3, "rate": 1.25, "left": ["a", "b"], "none_left": []})
    call_command(command)
    assert command.printed == "swept: 3\nrate: 1.2\nleft: \n  a\n  b\nnone left: none\n"


def test_summary_as_json_is_one_line() -> None:
    command = Sweep({"swept": 3, "names": ["a\nb", "ショー"], "when": OSError("x")})
    call_command(command, "--json")
    assert command.printed.count("\n") == 1
    assert json.loads(command.printed) == {"swept": 3, "names": ["a\nb", "ショー"], "when": "x"}
    assert "ショー" in command.printed


def test_options_and_dry_run_reach_the_work() -> None:
    command = Sweep()
    call_command(command, "--dry-run", "--times", "4")
    assert command.options["dry_run"] is True
    assert command.options["times"] == 4


def test_command_that_writes_nothing_has_no_dry_run() -> None:
    command = Sweep()
    command.writes = False
    with pytest.raises(CommandError, match="dry-run"):
        call_command(command, "--dry-run")


def test_failure_prints_its_summary_and_then_its_reason() -> None:
    command = Sweep(DomainError("3 of 4 failed", summary={"failed": 3}))
    with pytest.raises(CommandError, match="3 of 4 failed") as raised:
        call_command(command, "--json")
    assert raised.value.returncode == 1
    assert json.loads(command.printed) == {"failed": 3}


def test_failure_may_name_its_exit_status() -> None:
    with pytest.raises(CommandError) as raised:
        call_command(Sweep(DomainError("stopped", returncode=STOPPED)))
    assert raised.value.returncode == 130


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_the_work_in_order(stop: signal.Signals) -> None:
    command = Sweep(lambda _: os.kill(os.getpid(), stop))
    with pytest.raises(CommandError, match="stopped; run it again to go on") as raised:
        call_command(command)
    assert raised.value.returncode == 130
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_database_that_cannot_be_used_is_told_in_words() -> None:
    with pytest.raises(CommandError, match=r"run manage\.py migrate first \(no such table: x\)"):
        call_command(Sweep(OperationalError("no such table: x")))


def test_fault_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        call_command(Sweep(ZeroDivisionError()))


def test_what_is_said_never_reaches_the_output() -> None:
    command = Sweep(lambda self: self.say("half way\nthere"))
    call_command(command)
    assert (command.printed, command.said) == ("", "half way\\nthere\n")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain 葬送 🎬", "plain 葬送 🎬"),
        ("a\nb\tc\x1b[31m\u202e", r"a\nb\tc\x1b[31m\u202e"),
    ],
)
def test_control_characters_are_spelled_out(text: str, shown: str) -> None:
    assert one_line(text) == shown


class TestProgress:
    def bar(self, *columns: Any, terminal: bool = False) -> tuple[LineProgress, io.StringIO]:
        out = io.StringIO()
        console = Console(file=out, force_terminal=terminal, width=200)
        return LineProgress(PlainColumn(), *columns, console=console), out

    def test_pipe_gets_a_line_now_and_then(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now = 0.0
        monkeypatch.setattr("core.progress.time.monotonic", lambda: now)
        progress, out = self.bar(PlainColumn("rate", ".0f", "video s/s"), "frames")
        with progress as bar:
            task = bar.add_task("2/9 files", total=9, rate=41.7)
            for now in (1.0, 2.0, 6.0, 7.0, 12.0):  # noqa: B007  the clock above
                bar.update(task, completed=2)
        assert out.getvalue() == "2/9 files 42 video s/s frames\n" * 2

    def test_advancing_says_so_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(LineProgress, "LINE_EVERY_S", -1.0)
        progress, out = self.bar()
        with progress as bar:
            bar.advance(bar.add_task("building"), 1)
        assert out.getvalue() == "building\n"

    @pytest.mark.parametrize("terminal", [True, False])
    def test_name_of_a_file_is_shown_as_it_is(self, terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(LineProgress, "LINE_EVERY_S", -1.0)
        progress, out = self.bar(terminal=terminal)
        with progress as bar:
            bar.update(bar.add_task("looking"), description="[Group] [red]x[/b] :smile: a\nb")
            bar.refresh()
        assert "[Group] [red]x[/b] :smile: a?b" in out.getvalue()

    def test_command_has_a_bar_on_stderr(self, capsys: pytest.CaptureFixture[str]) -> None:
        def work(command: Sweep) -> None:
            with command.progress("frames") as bar:
                bar.LINE_EVERY_S = -1.0
                bar.update(bar.add_task("building", total=4), completed=1)

        command = Sweep(work)
        call_command(command)
        assert "building" in capsys.readouterr().err
        assert command.printed == ""
