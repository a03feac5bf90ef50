"""The machine that a benchmark runs on: what it is, and keeping to one core of it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

import av
import cv2
import psutil
from threadpoolctl import threadpool_limits

_DISTRIBUTIONS = {
    "PyAV": "av",
    "faiss": "faiss-cpu",
    "numpy": "numpy",
    "OpenCV": "opencv-python-headless",
}


def pin_to_one_core() -> int:
    """Keep every thread of this process, those of libraries included, on one core; its number.

    New threads and child processes inherit the restriction. The threads of linear algebra, which wait for each
    other busily, would stop each other there: they are one from now on.
    """
    core = max(os.sched_getaffinity(0))
    for thread in Path("/proc/self/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})
    cv2.setNumThreads(1)
    threadpool_limits(limits=1)
    return core


def describe_machine() -> dict[str, str]:
    """What a reader needs to judge the figures by: processor, memory and versions, and nothing that identifies."""
    libavcodec = ".".join(str(part) for part in av.library_versions["libavcodec"])
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return {
        "processor": f"{platform.machine()}, {_processor_name()}",
        "cores": str(os.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "load before": f"{load} (1, 5, 15 minutes)",
        "Python": platform.python_version(),
        **{name: importlib.metadata.version(of) for name, of in _DISTRIBUTIONS.items()},
        "libavcodec": libavcodec,
    }


def _processor_name() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return "unknown"


def rss_bytes() -> int:
    """Resident memory of this process."""
    return int(psutil.Process().memory_info().rss)
