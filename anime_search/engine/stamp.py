"""What tells cheaply whether a file is still the one that was read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_LATEST_NS = 2**63 - 1


@dataclass(frozen=True, slots=True)
class FileStamp:
    """Size in bytes, modification time in nanoseconds, and inode of a file.

    The device is left out: its number changes when a disk is mounted again, and every file on it would count
    as replaced.
    """

    size: int
    mtime_ns: int
    inode: str

    @classmethod
    def of(cls, path: Path) -> FileStamp:
        """Raises OSError where there is no such file."""
        stat = path.stat()
        return cls(stat.st_size, min(stat.st_mtime_ns, _LATEST_NS), str(stat.st_ino))
