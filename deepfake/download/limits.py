"""What one download may take; handed to the child process as a line of JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

#: Address space of a child; with the extractors loaded it takes 180 MB, the pieces of a video come on top.
MEMORY_BYTES = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadLimits:
    """The limits of one download.

    Attributes:
        extractors: names of yt-dlp's extractors that may be used, lower case; a name also stands for those that
            begin with it and a colon (``youtube`` for ``youtube:tab``).
        max_bytes: of the video.
        max_duration_s: of the video, as far as the site says how long it is.
        timeout_s: for everything, the start of the child included.
        allowed_networks: what may be reached although it is not public (see :class:`core.safe_http.FetchPolicy`).
        memory_bytes: address space of the child.
    """

    extractors: tuple[str, ...]
    max_bytes: int
    max_duration_s: float
    timeout_s: float
    allowed_networks: tuple[str, ...] = ()
    memory_bytes: int = MEMORY_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a child is to do: fetch ``url`` into the empty ``folder``."""

    url: str
    folder: Path
    limits: DownloadLimits

    def as_line(self) -> bytes:
        """One line of JSON."""
        written = {"url": self.url, "folder": str(self.folder), "limits": asdict(self.limits)}
        return json.dumps(written).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Order:
        """What :meth:`as_line` wrote."""
        written = json.loads(line)
        limits: dict[str, Any] = written["limits"]
        for name in ("extractors", "allowed_networks"):
            limits[name] = tuple(limits[name])
        return cls(url=written["url"], folder=Path(written["folder"]), limits=DownloadLimits(**limits))
