"""Settings made into detectors: the model in use, and the child processes that judge videos with it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from deepfake.engine.bundle import CURRENT, SHIPPED, Bundle, Stamp, find_bundle
from deepfake.engine.manifest import NAME
from deepfake.engine.manifest_fields import BundleError
from deepfake.engine.scan import ScanLimits
from deepfake.engine.session import ModelError
from deepfake.engine.verdict import Verdict
from deepfake.errors import (
    TOO_LONG_SENTENCE,
    AnalysisCancelled,
    DetectorUnavailable,
    VideoTooLong,
    VideoUnreadable,
    in_minutes,
)
from video.faults import VideoFault

if TYPE_CHECKING:
    from video.decoders import DecoderPool
    from video.reader import VideoError

log = logging.getLogger(__name__)

#: Told the stage ("decode", "faces" or "model"), and how much of it is done, 0 to 1.
OnProgress = Callable[[str, float], None]
#: Whether a verdict is not wanted any more; asked about twice a second.
Cancelled = Callable[[], bool]

#: Seconds between two looks at whether a video that waits for a child is still wanted.
_LOOK_EVERY_S = 0.25

#: What a caller is told of a file that cannot be read.
_SENTENCES = {
    VideoFault.UNREADABLE: "The file is not a video that can be read.",
    VideoFault.NO_VIDEO: "The file has no picture, only sound or nothing at all.",
    VideoFault.NO_FRAMES: "Not one picture of the video can be decoded.",
    VideoFault.TRUNCATED: "The file is cut off.",
    VideoFault.DAMAGED: "The video is damaged.",
    VideoFault.TOO_LARGE: "The video's pictures are too large.",
}


def scan_limits() -> ScanLimits:
    """What a video may be, and what looking it over may cost."""
    limits = ScanLimits()
    return replace(limits, video=replace(limits.video, max_duration_s=settings.DEEPFAKE_MAX_DURATION_S))


def models_dir() -> Path:
    """Where installed models lie, a folder each."""
    return Path(settings.DATA_DIR) / "models"


def shelves() -> tuple[Path, Path]:
    """Where models are looked for: those that were installed, then those that come with the project."""
    return models_dir(), SHIPPED


def active_file() -> Path:
    """The file with the name of the model in use."""
    return models_dir() / "ACTIVE"


def was_chosen() -> bool:
    """Whether somebody said which model is to be used: by the setting, or by activating one."""
    return bool(settings.DEEPFAKE_MODEL) or active_file().is_file()


def active_name() -> str:
    """Name of the model in use: of the setting, else as it was activated, else the project's own.

    Raises:
        BundleError: the file that says so cannot be read.
    """
    if pinned := str(settings.DEEPFAKE_MODEL):
        return pinned
    try:
        name = active_file().read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return CURRENT
    except (OSError, ValueError) as error:
        raise BundleError("the name of the model in use cannot be read") from error
    if not NAME.fullmatch(name):
        raise BundleError("the name of the model in use is none")
    return name


def active_bundle() -> Bundle:
    """The model in use, its files not yet verified.

    Raises:
        BundleError: there is none of its name, or its manifest cannot be read.
    """
    return find_bundle(active_name(), shelves())


def require_whole_bundle() -> None:
    """Look at every file of the model in use; at those that were looked at before only if they were written since.

    Raises:
        BundleError: there is no model of its name, or a file of it is missing or altered.
    """
    bundle = active_bundle()
    for problem in _problems(bundle.folder, bundle.stamp()):
        raise BundleError(problem)


@lru_cache(maxsize=4)
def _problems(folder: Path, _written: Stamp) -> list[str]:
    return Bundle.read(folder).problems()


class DetectorCrew:
    """Child processes that judge videos, each with a detector of its own. Thread-safe.

    Args:
        workers: children, and so videos at a time.
        threads: that one of them may use.
    """

    def __init__(self, workers: int, *, threads: int) -> None:
        from video.decoders import DecoderPool

        self._threads = threads
        self._free = threading.BoundedSemaphore(workers)
        self._pool: DecoderPool = DecoderPool(workers, memory_bytes=settings.DEEPFAKE_MEMORY_BYTES)

    def detect(
        self,
        bundle: Bundle,
        path: Path,
        *,
        whole: bool = True,
        on_progress: OnProgress,
        cancelled: Cancelled,
        timeout_s: float,
    ) -> Verdict:
        """Judge a video with a model.

        Args:
            whole: False if the file holds only the beginning of a video.

        Raises:
            VideoTooLong: it lasts longer than is taken.
            VideoUnreadable: it is no video, or took a child's life or time; the message says what it is, for a person.
            DetectorUnavailable: the model is not whole, or gave no judgement.
            AnalysisCancelled: ``cancelled`` said so, or the children were ended.
        """
        from deepfake.engine.scan import TooLong
        from deepfake.engine.work import Order, judge_video, stage_of
        from video.decoders import DecoderFailed, DecoderStopped
        from video.reader import VideoError

        def watch(reported: float, _stages: float) -> None:
            if cancelled():
                raise AnalysisCancelled
            on_progress(*stage_of(reported))

        order = Order(path, bundle.folder, bundle.stamp(), self._threads, scan_limits(), whole)
        while not self._free.acquire(timeout=_LOOK_EVERY_S):
            if cancelled():
                raise AnalysisCancelled
        try:
            if cancelled():
                raise AnalysisCancelled
            return self._pool.run(judge_video, order, timeout_s=timeout_s, on_progress=watch)
        except TooLong as error:
            raise VideoTooLong(_too_long()) from error
        except VideoError as error:
            raise VideoUnreadable(_sentence(error)) from error
        except MemoryError as error:
            raise VideoUnreadable(_SENTENCES[VideoFault.TOO_LARGE]) from error
        except DecoderFailed as error:
            log.warning("a video was given up: %s", error)
            raise VideoUnreadable("The video could not be read, or not in time.") from error
        except DecoderStopped as error:
            raise AnalysisCancelled from error
        except (BundleError, ModelError) as error:
            log.error("detector: %s", error)  # noqa: TRY400 - the words say it all
            raise DetectorUnavailable from error
        finally:
            self._free.release()

    def close(self) -> None:
        """End the children at once; whoever waits for one is told :class:`AnalysisCancelled`."""
        self._pool.close()


def _too_long() -> str:
    return TOO_LONG_SENTENCE.format(minutes=in_minutes(settings.DEEPFAKE_MAX_DURATION_S))


def _sentence(error: VideoError) -> str:
    return _SENTENCES.get(error.fault, VideoUnreadable.default_message)


def detect(path: Path, *, whole: bool = True, on_progress: OnProgress, cancelled: Cancelled) -> Verdict:
    """Judge a video with the model in use, in a child process of this one.

    Which model that is, and whether its files are still those that were loaded, is looked at each time: a model that
    was activated meanwhile is taken up, one that was altered is not used any more.

    Args:
        whole: False if the file holds only the beginning of a video.

    Raises:
        VideoTooLong, VideoUnreadable, DetectorUnavailable, AnalysisCancelled: as :meth:`DetectorCrew.detect`.
    """
    try:
        bundle = active_bundle()
    except BundleError as error:
        log.error("detector: %s", error)  # noqa: TRY400 - the words say it all
        raise DetectorUnavailable from error
    return _crew().detect(
        bundle,
        path,
        whole=whole,
        on_progress=on_progress,
        cancelled=cancelled,
        timeout_s=settings.DEEPFAKE_TIMEOUT_S,
    )


_lock = threading.Lock()
_crews: list[DetectorCrew] = []
_stopped = threading.Event()


def _crew() -> DetectorCrew:
    """The process's children, started when the first video comes.

    Raises:
        AnalysisCancelled: they were ended, and no worker has started since.
    """
    with _lock:
        if _stopped.is_set():
            raise AnalysisCancelled
        if not _crews:
            _crews.append(DetectorCrew(settings.DEEPFAKE_WORKERS, threads=settings.DEEPFAKE_THREADS))
        return _crews[0]


def open_detectors() -> None:
    """Let children be started: a worker has begun."""
    _stopped.clear()


def close_detectors() -> None:
    """End the children at once, and start no more: the worker stops."""
    with _lock:
        _stopped.set()
        while _crews:
            _crews.pop().close()
