"""``python -m anime_search.training`` says what is missing before it begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from anime_search.training import __main__ as command


def test_what_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "_NEEDED", ("json", "no_such_package"))
    assert command.main(["--pictures", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    message = " ".join(capsys.readouterr().err.split())
    assert "Missing: no_such_package." in message
    assert "requirements.txt" in message


def test_a_run_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "_NEEDED", ())
    (tmp_path / "first.pt").write_bytes(b"a checkpoint")
    assert command.main(["--pictures", str(tmp_path), "--out", str(tmp_path)]) == 1
    assert "--resume" in capsys.readouterr().err
    assert (tmp_path / "first.pt").read_bytes() == b"a checkpoint"


@pytest.mark.parametrize("wrong", [["--steps", "0", "5"], ["--steps", "5"], ["--kept-at-last", "1.5"]])
def test_impossible_options_are_refused(tmp_path: Path, wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        command.main(["--pictures", str(tmp_path), "--out", str(tmp_path), *wrong])
    assert refused.value.code == 2
