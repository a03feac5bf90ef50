"""``manage.py deepfake_analyze``: judge videos from the command line."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.commands import STOPPED, one_line
from core.errors import DomainError
from deepfake.addresses import check_address
from deepfake.checks import Tags
from deepfake.engine.verdict import Verdict


class _Unreadable(DomainError):
    """There is no such file, or it is not ours to read."""

    code = "FILE_UNREADABLE"
    default_message = "cannot be read"


class Command(BaseCommand):
    help = (
        "Judge each video, a file or an address, and print a line for each: its result, or why there is none. "
        "It is the operator's tool: it costs no credits, needs no worker and stores nothing."
    )
    requires_system_checks = (Tags.detector,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("videos", nargs="+", metavar="FILE|URL")
        parser.add_argument(
            "--json", action="store_true", help="one line of JSON a video, with all of its evidence"
        )

    def handle(self, *args: Any, videos: list[str], **options: Any) -> None:
        from deepfake import runtime

        failed = done = 0
        try:
            for name in videos:
                line = self._analyze(name)
                done += 1
                failed += "error" in line
                self.stdout.write(json.dumps(line, ensure_ascii=False) if options["json"] else _plain(line))
                self.stdout.flush()
        except KeyboardInterrupt:
            raise CommandError(f"stopped after {done} of {len(videos)}", returncode=STOPPED) from None
        finally:
            runtime.close_detectors()
            runtime.open_detectors()
        if failed:
            raise CommandError(f"{failed} of {len(videos)} videos could not be judged")

    def _analyze(self, name: str) -> dict[str, Any]:
        """The line of one video; one that cannot be judged has an ``error`` in place of a result."""
        line: dict[str, Any] = {"file": _shown(name)}
        timings: dict[str, float] = {}
        started = time.perf_counter()
        try:
            with ExitStack() as stack:
                path, report = self._video(name, stack, timings), _Reporter(self.stderr.write, name)
                judging = time.perf_counter()
                verdict = _detect(path, report)
                timings["detect"] = time.perf_counter() - judging
            line |= _told(verdict)
        except DomainError as error:
            line |= {"error": error.message, "code": error.code}
        timings["total"] = time.perf_counter() - started
        return line | {"timings_ms": {stage: round(1000 * took, 1) for stage, took in timings.items()}}

    def _video(self, name: str, stack: ExitStack, timings: dict[str, float]) -> Path:
        """The file of a video, downloaded where its name is an address.

        Raises:
            DownloadFailed, _Unreadable: it cannot be had.
        """
        if "://" not in name:
            path = Path(name)
            try:
                with path.open("rb"):
                    return path
            except (OSError, ValueError) as error:
                raise _Unreadable(getattr(error, "strerror", None) or "") from error
        from deepfake import download

        report = _Reporter(self.stderr.write, name)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="frameproof-")))
        began = time.perf_counter()
        got = download.get_video(
            check_address(name),
            folder,
            on_progress=lambda share: report("download", share),
            cancelled=lambda: False,
        )
        timings["download"] = time.perf_counter() - began
        return got.path


def _detect(path: Path, report: _Reporter) -> Verdict:
    from deepfake import runtime

    return runtime.detect(path, on_progress=report, cancelled=lambda: False)


class _Reporter:
    """Writes a line when a stage begins: how far a stage is would be too many lines."""

    def __init__(self, write: Callable[[str], object], name: str) -> None:
        self._write, self._name, self._stage = write, one_line(_shown(name)), ""

    def __call__(self, stage: str, share: float) -> None:
        if stage != self._stage:
            self._stage = stage
            self._write(f"{self._name}: {stage}")


def _told(verdict: Verdict) -> dict[str, Any]:
    evidence = verdict.as_json()
    return {
        "result": evidence.pop("result"),
        "prob_fake": evidence.pop("prob_fake"),
        "manipulation": evidence.pop("manipulation"),
        "evidence": evidence,
    }


def _plain(line: dict[str, Any]) -> str:
    name = one_line(line["file"])
    if "error" in line:
        return f"{name}: {line['error']}"
    kind = f", {line['manipulation']}" if line["manipulation"] else ""
    quality = ", ".join(line["evidence"]["quality"])
    return f"{name}: {line['result']} ({line['prob_fake']:.3f}{kind})" + (f"; {quality}" if quality else "")


def _shown(name: str) -> str:
    """A name with bytes that are not UTF-8 spelled out: JSON cannot carry them."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
