"""The parent's side of the child: starting it, hearing it, and ending it with all that it may have started.

It is no :class:`video.decoders.DecoderPool`, whose children go from one file to the next: what a site's page did to
one download would be there in the next, a hook of Python's cannot be taken back, and answers would be pickles.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from deepfake.download.limits import Order
from deepfake.download.trouble import Trouble

log = logging.getLogger(__name__)

#: What is run. Neither the working directory nor the user's own packages are on its path.
COMMAND: Final = (sys.executable, "-P", "-s", "-m", "deepfake.download.child")

_ROOT: Final = Path(__file__).resolve().parent.parent.parent
_READ_BYTES: Final = 64 * 1024
#: Bytes of a line; a step has 2000 characters at most.
_MAX_LINE_BYTES: Final = 64 * 1024
#: Signals by which the kernel ends a child that has used up its processor time.
_OUT_OF_TIME: Final = (-signal.SIGXCPU,)


class ChildProcess:
    """A child at work on an order; a context manager that ends it.

    Args:
        order: its folder is the child's home, and has to outlive it.
        command: what is run.

    Raises:
        OSError: the process cannot be started.
    """

    def __init__(self, order: Order, *, command: tuple[str, ...] = COMMAND) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=order.folder,
            env=_environment(order.folder),
            start_new_session=True,
        )
        self._order = order
        self._rest = b""

    def __enter__(self) -> Self:
        # A child that is already gone is noticed when its answers are read.
        with contextlib.suppress(BrokenPipeError):
            assert self._process.stdin is not None
            self._process.stdin.write(self._order.as_line())
            self._process.stdin.flush()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Before its number is given back: until then it is the group's as well.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def answers(self, every_s: float) -> Iterator[dict[str, Any] | None]:
        """What the child says, until it has no more to say; None whenever ``every_s`` seconds have passed."""
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            due = time.monotonic() + every_s
            while True:
                if selector.select(max(0.0, due - time.monotonic())):
                    if not (read := os.read(pipe, _READ_BYTES)):
                        return
                    yield from self._lines(read)
                if time.monotonic() >= due:
                    due = time.monotonic() + every_s
                    yield None

    def how_it_ended(self) -> Trouble:
        """Why a child ended that did not say so itself."""
        status = self._process.wait()
        log.error("The download's child ended with status %d", status)
        return Trouble.TIMEOUT if status in _OUT_OF_TIME else Trouble.CRASHED

    def _lines(self, read: bytes) -> Iterator[dict[str, Any]]:
        *lines, self._rest = (self._rest + read).split(b"\n")
        if len(self._rest) > _MAX_LINE_BYTES:
            self._rest = b""
        for line in lines:
            with contextlib.suppress(ValueError, RecursionError):
                answer = json.loads(line)
                if isinstance(answer, dict):
                    yield answer


def _environment(home: Path) -> dict[str, str]:
    """The child's environment: none of ours, where passwords and proxies are named."""
    environment = {
        "PATH": "",
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(_ROOT),
        # Few and small pieces of memory: an address space that is limited is not eaten up by a heap a thread.
        "MALLOC_ARENA_MAX": "2",
    }
    return environment | {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
