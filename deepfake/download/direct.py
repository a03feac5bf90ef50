"""Video files that a link leads to straight; in the child only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import unquote

from core.fetch_errors import FetchError
from core.pinned_network import Resolver
from core.safe_http import FetchPolicy, fetch_to_file
from deepfake.download.container import HEAD_BYTES, is_web_page, suffix_of
from deepfake.download.messages import meaning_of_fetch
from deepfake.download.trouble import Refusal, Trouble

_BUFFER_BYTES: Final = 1 << 20


def fetch_video(
    url: str, path: Path, *, policy: FetchPolicy, resolver: Resolver, on_progress: Callable[[float], None]
) -> str:
    """Write the video behind ``url`` to ``path``.

    It is judged by its first bytes, as soon as they are there.

    Returns:
        What the link calls it, for a title.

    Raises:
        Refusal: there is none, or it cannot be had.
        OSError: it cannot be written.
    """
    with path.open("wb", buffering=_BUFFER_BYTES) as file:
        sieve = _Sieve(file, on_progress)
        try:
            fetched = fetch_to_file(url, sieve, policy=policy, resolver=resolver, announce=sieve.expect)  # type: ignore[arg-type]
        except FetchError as error:
            raise Refusal(meaning_of_fetch(error)) from error
        sieve.finish()
    return unquote(fetched.final_url.partition("?")[0].rstrip("/").rpartition("/")[2])


class _Sieve:
    """A file that takes nothing but a video."""

    def __init__(self, file: BinaryIO, on_progress: Callable[[float], None]) -> None:
        self._file = file
        self._on_progress = on_progress
        self._head = b""
        self._judged = False
        self._written = 0
        self._expected = 0

    def expect(self, size_bytes: int) -> None:
        self._expected = size_bytes

    def write(self, piece: bytes) -> int:
        if not self._judged:
            self._head += piece
            if len(self._head) >= HEAD_BYTES:
                self._judge()
        self._written += len(piece)
        if self._expected:
            self._on_progress(min(1.0, self._written / self._expected))
        return self._file.write(piece)

    def finish(self) -> None:
        """Judge a file that is over before it has a head's length."""
        if not self._judged:
            self._judge()

    def _judge(self) -> None:
        self._judged = True
        if suffix_of(self._head) is None:
            raise Refusal(Trouble.WEB_PAGE if is_web_page(self._head) else Trouble.NO_VIDEO)
