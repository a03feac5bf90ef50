"""What the tests of the decoding children have them do: functions that another process can import."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import av

from video.faults import VideoFault
from video.progress import Progress
from video.reader import VideoError


def double(number: int, _report: Progress) -> int:
    return 2 * number


def pid(_report: Progress) -> int:
    return os.getpid()


def threads_of_opencv(_report: Progress) -> int:
    import cv2

    return cv2.getNumThreads()


def sleep(seconds: float, _report: Progress) -> str:
    time.sleep(seconds)
    return "slept"


def spin(seconds: float, _report: Progress) -> None:
    """Keep the interpreter busy, so that no signal handler written in Python runs soon."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(200_000))


def die(number: int, _report: Progress) -> None:
    os.kill(os.getpid(), number)


def fail(fault: VideoFault, _report: Progress) -> None:
    raise VideoError(fault, "as told")


def open_nothing(_report: Progress) -> None:
    av.open("/none/at/all.mp4")


class Stubborn(Exception):
    """An exception that can be pickled and not be read back."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__(f"{one} and {other}")


class Worse(Exception):
    """One whose reading back fails in a way that nobody expects."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return _explode, ()


def _explode() -> None:
    raise ZeroDivisionError


def raise_stubborn(_report: Progress) -> None:
    raise Stubborn(1, 2)


def raise_worse(_report: Progress) -> None:
    raise Worse


def raise_unpicklable(_report: Progress) -> None:
    class Local(Exception):
        pass

    raise Local("in a function")


def return_unpicklable(_report: Progress) -> object:
    return lambda: None


def step(count: int, report: Progress) -> None:
    for done in range(count + 1):
        report(float(done), float(count))
        time.sleep(0.06)


def count_forever(file: Path, _report: Progress) -> None:
    """Show life in a file, without ever reporting."""
    while True:
        file.write_text(str(time.monotonic()))
        time.sleep(0.05)


def meet(folder: Path, mine: str, other: str, _report: Progress) -> bool:
    """Wait for somebody else who runs at the same time."""
    (folder / mine).touch()
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if (folder / other).exists():
            return True
        time.sleep(0.01)
    return False


SIGNALS = (signal.SIGKILL, signal.SIGSEGV)
