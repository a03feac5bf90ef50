"""The child process: ``python -m deepfake.download.child``, an :class:`Order` on stdin, one line of JSON an answer.

yt-dlp is 900 extractors that read what strangers write. It runs in a process of its own, one for each download, that
has no secrets of ours in its environment, can reach public hosts only, starts no program, and is ended from outside.
Answers are JSON, which a child that went astray cannot abuse as it could a pickle.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO, Final

from core.pinned_network import Resolver, system_resolver
from core.safe_http import FetchPolicy
from deepfake.download.container import HEAD_BYTES, suffix_of
from deepfake.download.guard import Guard, limit_resources
from deepfake.download.limits import Order
from deepfake.download.trouble import Refusal, Trouble

#: Seconds between two reports of progress.
REPORT_EVERY_S: Final = 0.2
#: Characters of a line that tells a step.
STEP_CHARS: Final = 2000
#: Characters of a title that are handed on; whoever shows it cuts it further.
TITLE_CHARS: Final = 2000
#: What a video's ``extractor`` is that no extractor found.
DIRECT: Final = "direct"

_USER_AGENT: Final = "Mozilla/5.0 (compatible; Frameproof)"


class Answers:
    """The line to the parent, which nothing else in this process can write to."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._reported_at = 0.0

    def send(self, **answer: Any) -> None:
        line = json.dumps(answer).encode() + b"\n"
        with self._lock:
            self._stream.write(line)
            self._stream.flush()

    def say(self, step: str) -> None:
        """Tell a step."""
        self.send(step=step[:STEP_CHARS])

    def report(self, share: float) -> None:
        """Tell how much of the video has come, 0 to 1, now and then."""
        now = time.monotonic()
        if now - self._reported_at >= REPORT_EVERY_S:
            self._reported_at = now
            self.send(share=round(share, 4))


def main(*, more: Callable[[], Iterable[type]] = tuple, resolver: Resolver = system_resolver) -> None:
    """Carry out one order.

    Args:
        more: gives extractors beside yt-dlp's own.
        resolver: finds the addresses of host names.
    """
    # What a library prints must not come between the answers.
    answers = Answers(os.fdopen(os.dup(1), "wb"))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    order = Order.from_line(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    limit_resources(order.limits)
    guard = Guard(order.folder, order.limits.allowed_networks, resolver)
    guard.install()
    try:
        answers.send(done=carry_out(order, answers, resolver=guard.resolve, more=more))
    except Refusal as refusal:
        answers.send(trouble=refusal.trouble, **_log_of(refusal))
    except BaseException as error:  # noqa: BLE001 - the parent has to be told, whatever it is
        from deepfake.download.messages import meaning_of

        answers.send(trouble=meaning_of(error), log=_traceback(error))
    # Without waiting for the threads that still look up names.
    os._exit(0)


def carry_out(
    order: Order, answers: Answers, *, resolver: Resolver, more: Callable[[], Iterable[type]] = tuple
) -> dict[str, Any]:
    """Download the video of an order into its folder, as ``video`` with a suffix that its bytes tell.

    Returns:
        What the parent is told: ``file``, ``title``, ``extractor``, ``duration_s``, ``whole``.

    Raises:
        Refusal: it cannot be had.
    """
    from deepfake.download.metering import Meter
    from deepfake.download.request_handler import Network, PatientDeadline
    from deepfake.download.sites import SiteDownload, extractors_for

    limits = order.limits
    policy = FetchPolicy(
        max_bytes=limits.max_bytes,
        deadline_s=limits.timeout_s,
        allowed_networks=limits.allowed_networks,
        user_agent=_USER_AGENT,
    )
    extractors = extractors_for(order.url, limits.extractors, more())
    whole = True
    info: dict[str, Any]
    if extractors:
        network = Network(
            policy=policy, deadline=PatientDeadline(limits.timeout_s), meter=Meter(), resolver=resolver
        )
        name = next(ie.IE_NAME for ie in extractors if ie.suitable(order.url))  # type: ignore[attr-defined]
        answers.say(f"extractor: {name}")
        path, info, whole = SiteDownload(
            order.url,
            order.folder,
            limits=limits,
            extractors=extractors,
            network=network,
            say=answers.say,
            on_progress=answers.report,
        ).run()
    else:
        from deepfake.download.direct import fetch_video

        answers.say("no extractor takes this address: fetching it as a file")
        path = order.folder / "direct"
        title = fetch_video(order.url, path, policy=policy, resolver=resolver, on_progress=answers.report)
        info = {"title": title, "extractor": DIRECT}
    with path.open("rb") as file:
        suffix = suffix_of(file.read(HEAD_BYTES))
    if suffix is None:
        raise Refusal(Trouble.NO_VIDEO)
    final = path.rename(order.folder / f"video.{suffix}")
    answers.say(f"got {final.stat().st_size} bytes")
    return {
        "file": final.name,
        "title": str(info.get("title") or "")[:TITLE_CHARS],
        "extractor": str(info.get("extractor") or ""),
        "duration_s": info.get("duration"),
        "whole": whole,
    }


def _log_of(refusal: Refusal) -> dict[str, str]:
    """What an operator has to know of a refusal: that a site or yt-dlp has changed is for nobody else to mend."""
    if refusal.__cause__ is None or refusal.trouble not in (Trouble.SITE_CHANGED, Trouble.CRASHED):
        return {}
    return {"log": _traceback(refusal.__cause__)}


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))[-STEP_CHARS:]


def _end_with_parent() -> None:
    """The other end of stdin closes when the parent ends, however it ends."""
    while sys.stdin.buffer.read(1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
