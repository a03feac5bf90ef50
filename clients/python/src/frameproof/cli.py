"""The command ``frameproof``: one question, an answer for a person or a line of JSON for a script."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from typing import Any, Final

from frameproof.client import Client
from frameproof.errors import (
    AccessDenied,
    ApiError,
    ConnectionFailed,
    FrameproofError,
    LimitExceeded,
    OutOfCredits,
    ServiceUnavailable,
    StillRunning,
)
from frameproof.models import Analysis, Candidate, SearchResult

#: Exit statuses; 2 is argparse's, for a command line that cannot be read.
FOUND: Final = 0
NOTHING_SURE: Final = 1
REFUSED: Final = 3
DENIED: Final = 4
USED_UP: Final = 5
AWAY: Final = 6
STILL_RUNNING: Final = 7
STOPPED: Final = 130

_EXIT_STATUSES = f"""exit status:
  {FOUND}  search: a match; detect: real or AI-made
  {NOTHING_SURE}  search: no scene is sure; detect: inconclusive
  2  the command line cannot be read
  {REFUSED}  the picture or video was refused, or cannot be had
  {DENIED}  the API key is missing or wrong
  {USED_UP}  a limit or the credits are used up
  {AWAY}  the server is away or busy
  {STILL_RUNNING}  detect --job: no verdict in time; the analysis goes on"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    asked = _parser().parse_args(arguments)
    try:
        with Client(asked.host) as client:
            status: int = asked.run(client, asked)
            return status
    except KeyboardInterrupt:
        return STOPPED
    except (FrameproofError, OSError, ValueError) as error:
        _tell_error(error, as_json=asked.json)
        return _status_of(error)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="frameproof",
        description="Ask a Frameproof server. The API key is read from FRAMEPROOF_API_KEY.",
        epilog=_EXIT_STATUSES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--host", help="address of the server; else FRAMEPROOF_HOST, else http://127.0.0.1:8000"
    )
    shared.add_argument("--json", action="store_true", help="print one line of JSON")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    search = commands.add_parser(
        "search", parents=[shared], help="find which anime, episode and second a picture or clip is from"
    )
    search.add_argument("image", metavar="IMAGE", help="a file, an address, or - for standard input")
    search.set_defaults(run=_search)
    detect = commands.add_parser("detect", parents=[shared], help="say whether a video is real or AI-made")
    detect.add_argument("video", metavar="URL|FILE", help="an address, a file, or - for standard input")
    detect.add_argument(
        "--job", action="store_true",
        help="begin an analysis and look at it from time to time, instead of waiting in one request: for long videos; "
        "each look is one of the day's requests",
    )  # fmt: skip
    detect.add_argument(
        "--wait", type=float, default=600.0, metavar="SECONDS", help="with --job: at most (600)"
    )
    detect.set_defaults(run=_detect)
    return parser


def _search(client: Client, asked: argparse.Namespace) -> int:
    found = client.search(_source(asked.image))
    if asked.json:
        _print_json(dataclasses.asdict(found))
    else:
        print("\n".join(_search_lines(found)))
    return FOUND if found.match else NOTHING_SURE


def _detect(client: Client, asked: argparse.Namespace) -> int:
    source = _source(asked.video)
    if asked.job:
        begun = client.start_detection(source)
        print(f"analysis {begun.id} has begun", file=sys.stderr)
        try:
            analysis = client.wait_for(begun, timeout_s=asked.wait)
        except KeyboardInterrupt:
            print(f"it goes on: {_hint(begun.id)}", file=sys.stderr)
            raise
    else:
        analysis = client.detect(source)
    if asked.json:
        _print_json(dataclasses.asdict(analysis))
    else:
        print("\n".join(_verdict_lines(analysis)))
    return NOTHING_SURE if analysis.result == "inconclusive" else FOUND


def _hint(analysis_id: str) -> str:
    """Where an analysis can be looked at later."""
    return f"GET /api/v1/analysis/{analysis_id} has its verdict"


def _source(text: str) -> str | bytes:
    return sys.stdin.buffer.read() if text == "-" else text


def _search_lines(found: SearchResult) -> list[str]:
    if not found.candidates:
        return ["Nothing like it is in the index."]
    head = "Found:" if found.match else "No scene is sure. The nearest are:"
    shown = [found.match] if found.match else list(found.candidates)
    return [head, *(_candidate_line(candidate) for candidate in shown)]


def _candidate_line(candidate: Candidate) -> str:
    parts = [candidate.title]
    if candidate.season is not None:
        parts.append(f"season {candidate.season}")
    if candidate.episode is not None:
        parts.append(f"episode {_episode(candidate.episode)}")
    parts.append(f"at {_clock(candidate.at_s)}")
    return f"  {', '.join(parts)}  ({candidate.probability:.0%}; {candidate.filename})"


def _episode(episode: int | float | str | tuple[int | float, ...]) -> str:
    return "–".join(map(str, episode)) if isinstance(episode, tuple) else str(episode)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _verdict_lines(analysis: Analysis) -> list[str]:
    said = {"ai_generated": "Likely AI-made", "real": "Likely real", "inconclusive": "Inconclusive"}
    head = said.get(analysis.result or "", str(analysis.result))
    if analysis.confidence is not None and analysis.result != "inconclusive":
        head += f", {analysis.confidence:.1f} % sure"
    lines = [head]
    evidence = analysis.evidence or {}
    # An analysis that was looked up names its model in the evidence alone.
    model = dataclasses.asdict(analysis.model) if analysis.model else evidence.get("model")
    if isinstance(model, dict):
        lines.append(f"  model {model.get('name', '')} {model.get('version', '')}")
    quality = evidence.get("quality") or []
    if quality:
        lines.append(f"  worth less because of: {', '.join(str(each).replace('_', ' ') for each in quality)}")
    if analysis.credits_remaining is not None:
        lines.append(f"  {analysis.credits_remaining} credits left")
    return lines


def _print_json(body: dict[str, Any]) -> None:
    print(json.dumps(body, ensure_ascii=False))


def _tell_error(error: Exception, *, as_json: bool) -> None:
    message = _words_of(error)
    print(f"frameproof: {message}", file=sys.stderr)
    if as_json:
        body: dict[str, Any] = {
            "error": {"code": getattr(error, "code", ""), "message": getattr(error, "message", message)}
        }
        if isinstance(error, ApiError):
            body["error"]["retry_after_s"] = error.retry_after_s
        if isinstance(error, StillRunning):
            body["error"]["analysis_id"] = error.analysis_id
        _print_json(body)


def _words_of(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
    words = str(error)
    if isinstance(error, ApiError) and error.retry_after_s is not None:
        words += f"; try again in {error.retry_after_s:.0f} s"
    return words


def _status_of(error: Exception) -> int:
    for status, kinds in (
        (STILL_RUNNING, (StillRunning,)),
        (DENIED, (AccessDenied,)),
        (USED_UP, (OutOfCredits, LimitExceeded)),
        (AWAY, (ServiceUnavailable, ConnectionFailed)),
    ):
        if isinstance(error, kinds):
            return status
    return REFUSED


if __name__ == "__main__":
    sys.exit(main())
