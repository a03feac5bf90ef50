"""``manage.py deepfake_analyze``: judge videos from the command line."""

from __future__ import annotations

import json
import logging
import stat
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
from deepfake.engine.bundle import LARGER
from deepfake.engine.verdict import Verdict

log = logging.getLogger(__name__)

_HINT = (
    "The small detector judges, which comes with the project. A more accurate one needs 90 MB more: "
    f"manage.py deepfake_model install {LARGER} --activate"
)


class _Unreadable(DomainError):
    """There is no such file, or it is not ours to read."""

    code = "FILE_UNREADABLE"
    default_message = "cannot be read"


class _Broken(DomainError):
    """A fault of ours, which must not keep the other videos from being judged; it is in the log."""

    code = "INTERNAL_ERROR"
    default_message = "Something went wrong on our side."


class Command(BaseCommand):
    help = (
        "Judge each video, a file or an address, and print a line for each, in their order: its result, or why there "
        "is none. What it is at is told on stderr; the exit status is 1 if any video could not be judged. "
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

        if not runtime.was_chosen():
            self.stderr.write(_HINT)
        failed = done = 0
        try:
            for number, name in enumerate(videos, start=1):
                line = self._analyze(name, f"{number} of {len(videos)}")
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

    def _analyze(self, name: str, place: str) -> dict[str, Any]:
        """The line of one video; one that cannot be judged has an ``error`` in place of a result."""
        report = _Reporter(self.stderr.write, place, name)
        line: dict[str, Any] = {"file": _shown(name)}
        timings: dict[str, float] = {}
        started = time.perf_counter()
        try:
            with ExitStack() as stack:
                path, whole = _video(name, stack, report, timings)
                judging = time.perf_counter()
                verdict = _detect(path, whole, report)
                timings["detect"] = time.perf_counter() - judging
            line |= _told(verdict)
        except DomainError as error:
            line |= {"error": error.message, "code": error.code}
        except Exception:
            log.exception("%s could not be judged", one_line(line["file"]))
            line |= {"error": _Broken.default_message, "code": _Broken.code}
        timings["total"] = time.perf_counter() - started
        return line | {"timings_ms": {stage: round(1000 * took, 1) for stage, took in timings.items()}}


def _video(name: str, stack: ExitStack, report: _Reporter, timings: dict[str, float]) -> tuple[Path, bool]:
    """The file of a video, downloaded where its name is an address, and whether it is all of it.

    Raises:
        DownloadFailed, _Unreadable: it cannot be had.
    """
    if "://" not in name:
        return _readable(Path(name)), True
    from deepfake import download

    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="frameproof-")))
    began = time.perf_counter()
    try:
        got = download.get_video(
            check_address(name),
            folder,
            on_progress=lambda share: report("download", share),
            cancelled=lambda: False,
        )
    finally:
        timings["download"] = time.perf_counter() - began
    return got.path, got.whole


def _readable(path: Path) -> Path:
    try:
        # A pipe would be waited for.
        if stat.S_ISFIFO(path.stat().st_mode):
            raise _Unreadable("Not an ordinary file")
        with path.open("rb"):
            return path
    except (OSError, ValueError) as error:
        raise _Unreadable(getattr(error, "strerror", None) or "") from error


def _detect(path: Path, whole: bool, report: _Reporter) -> Verdict:
    from deepfake import runtime

    return runtime.detect(path, whole=whole, on_progress=report, cancelled=lambda: False)


class _Reporter:
    """Writes a line when a stage begins: how far a stage is would be too many lines."""

    def __init__(self, write: Callable[[str], object], place: str, name: str) -> None:
        self._write, self._name, self._stage = write, f"{place}: {one_line(_shown(name))}", ""

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
