"""The journal survives a kill, and says of each step what was done last."""

from __future__ import annotations

from pathlib import Path

from anime_search.training.journal import Journal, StepRecord


def record(stage: str, step: int, loss: float = 1.0) -> StepRecord:
    return StepRecord(stage, step, loss, 0.5, 1e-4)


def test_a_line_that_a_kill_has_cut_is_left_out(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.write(record("first", 1))
    with (tmp_path / "journal.jsonl").open("a") as file:
        file.write('{"stage": "first", "st')
    assert journal.read() == [record("first", 1)]
    journal.rewind("first", 1)
    journal.write(record("first", 2))
    assert journal.read() == [record("first", 1), record("first", 2)]


def test_steps_that_are_done_again_are_written_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    for each in (record("first", 1), record("second", 1), record("second", 2), record("second", 3)):
        journal.write(each)
    journal.rewind("second", 1)
    assert journal.read() == [record("first", 1), record("second", 1)]


def test_a_new_journal_is_empty(tmp_path: Path) -> None:
    assert Journal(tmp_path / "journal.jsonl").read() == []
