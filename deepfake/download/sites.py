"""Videos of sites that yt-dlp knows; in the child only."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from yt_dlp import YoutubeDL
from yt_dlp import globals as yt_dlp_globals
from yt_dlp.extractor import gen_extractor_classes
from yt_dlp.utils import DownloadError, ExtractorError

from deepfake.download.formats import AllTooLarge, choose_format, is_usable_in_part, told
from deepfake.download.limits import DownloadLimits
from deepfake.download.messages import meaning_of
from deepfake.download.metering import Enough
from deepfake.download.request_handler import STALL_S, Network, PinnedRH
from deepfake.download.trouble import Refusal, Trouble

#: What the download is called while it lasts; never by its title.
NAME: Final = "download"
#: The extractor that takes any page, and with it any address inside it.
GENERIC: Final = "generic"

_NOT_RECORDED: Final = frozenset({"is_live", "is_upcoming", "post_live"})
_TRIES: Final = 2


def is_named(name: str, listed: Iterable[str]) -> bool:
    """Whether an extractor is one of those that are listed (see :class:`DownloadLimits`)."""
    name = name.lower()
    if name == GENERIC:
        return False
    return any(name == one or name.startswith(f"{one}:") for one in listed)


def extractors_for(url: str, listed: Iterable[str], more: Iterable[type] = ()) -> list[type]:
    """The extractors that are listed, if one of them takes ``url``, else none.

    Args:
        more: extractors beside yt-dlp's own.
    """
    allowed = [ie for ie in (*more, *gen_extractor_classes()) if is_named(ie.IE_NAME, listed)]
    return allowed if any(ie.suitable(url) for ie in allowed) else []


class SiteDownload:
    """One download by yt-dlp.

    Args:
        url: http or https, without a fragment.
        folder: empty; yt-dlp's files go there.
        extractors: that may be used, also for what the first one refers to.
        network: what requests go through.
        say: told each step.
        on_progress: told the share of the video that has come, 0 to 1.
    """

    def __init__(
        self,
        url: str,
        folder: Path,
        *,
        limits: DownloadLimits,
        extractors: list[type],
        network: Network,
        say: Callable[[str], None],
        on_progress: Callable[[float], None],
    ) -> None:
        self._url = url
        self._folder = folder
        self._limits = limits
        self._network = network
        self._say = say
        self._on_progress = on_progress
        self._info: dict[str, Any] = {}
        # Before the first YoutubeDL: it would look for plugins in every folder of Python's path.
        yt_dlp_globals.plugin_dirs.value = []
        yt_dlp_globals.all_plugins_loaded.value = True
        self._ydl = _PinnedYoutubeDL(self._options(), network, self._judge)
        for extractor in extractors:
            self._ydl.add_info_extractor(extractor)

    def run(self) -> tuple[Path, dict[str, Any], bool]:
        """Download the video.

        Returns:
            Its file, its ``title``, ``extractor`` and ``duration`` as yt-dlp has them, and whether it is all there.

        Raises:
            Refusal: it cannot be had.
        """
        whole = True
        try:
            with self._ydl:
                self._ydl.extract_info(self._url)
        except Enough:
            whole = False
            self._say("stopped at the limit of bytes; what has come is used")
        except MemoryError:
            raise
        except Exception as error:
            if not isinstance(error, DownloadError):  # which yt-dlp has told already
                self._say(f"{type(error).__name__}: {error}")
            raise Refusal(meaning_of(error)) from error
        path = self._folder / (NAME if whole else f"{NAME}.part")
        if not path.is_file() or not path.stat().st_size:
            raise Refusal(Trouble.NO_VIDEO if whole else Trouble.TOO_LARGE)
        return path, self._info, whole

    def _options(self) -> dict[str, Any]:
        return {
            "logger": _Steps(self._say),
            "noprogress": True,
            "no_color": True,
            "format": self._select,
            "match_filter": self._judge,
            "progress_hooks": [self._report],
            "outtmpl": {"default": f"{self._folder}/{NAME}".replace("%", "%%")},
            "overwrites": True,
            "updatetime": False,
            "noplaylist": True,
            "playlist_items": "1",
            "socket_timeout": STALL_S,
            "retries": _TRIES,
            "fragment_retries": _TRIES,
            "extractor_retries": 1,
            "file_access_retries": 0,
            "skip_unavailable_fragments": False,
            "concurrent_fragment_downloads": 1,
            # No other program, no file but the video, no network but ours, nothing of the user's who runs this.
            "external_downloader": {"default": "native"},
            "hls_prefer_native": True,
            "fixup": "never",
            "postprocessors": [],
            "js_runtimes": {},
            "remote_components": [],
            "cachedir": False,
            "proxy": "",
            "geo_bypass": False,
            "enable_file_urls": False,
            "allow_unplayable_formats": False,
        }

    def _judge(self, info: dict[str, Any], *, incomplete: bool = False) -> None:
        """Refuse what is not to be downloaded before it is; yt-dlp asks this of every video, some twice."""
        if info.get("is_live") or info.get("live_status") in _NOT_RECORDED:
            raise Refusal(Trouble.LIVE)
        if (info.get("duration") or 0) > self._limits.max_duration_s:
            raise Refusal(Trouble.TOO_LONG)
        # A copy: yt-dlp empties what it hands out.
        self._info = {name: info.get(name) for name in ("title", "extractor", "duration")}

    def _select(self, offered: dict[str, Any]) -> Iterator[dict[str, Any]]:
        try:
            chosen = choose_format(
                offered["formats"], max_bytes=self._limits.max_bytes, duration_s=self._info.get("duration")
            )
        except AllTooLarge:
            raise Refusal(Trouble.TOO_LARGE) from None
        if chosen is None:
            raise Refusal(Trouble.NO_VIDEO)
        self._say(f"format: {told(chosen)}, of {len(offered['formats'])}")
        self._network.meter.begin_video(self._limits.max_bytes, usable_in_part=is_usable_in_part(chosen))
        yield dict(chosen)

    def _report(self, state: dict[str, Any]) -> None:
        total = state.get("total_bytes") or state.get("total_bytes_estimate")
        if total:
            self._on_progress(min(1.0, (state.get("downloaded_bytes") or 0) / total))


class _PinnedYoutubeDL(YoutubeDL):
    """yt-dlp with our way to the network and the extractors it is given, and no others of either."""

    def __init__(
        self, options: dict[str, Any], network: Network, judge: Callable[[dict[str, Any]], None]
    ) -> None:
        self._network = network
        self._judge_info = judge
        super().__init__(options, auto_init=False)

    @functools.cached_property
    def _request_director(self) -> Any:
        return self.build_request_director([functools.partial(PinnedRH, network=self._network)])

    def raise_no_formats(self, info: dict[str, Any], *arguments: Any, **options: Any) -> None:
        # A stream that has yet to begin has no formats, which says less about it.
        self._judge_info(info)
        super().raise_no_formats(info, *arguments, **options)

    def get_info_extractor(self, ie_key: str) -> Any:
        known = self._ies.get(ie_key)
        if known is None:
            raise ExtractorError(f"No suitable extractor ({ie_key}) found", expected=True)
        if isinstance(known, type):
            known = known()
            self.add_info_extractor(known)
        return known


class _Steps:
    """A logger, as yt-dlp wants it, that tells each line on."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def debug(self, message: str) -> None:
        self._say(message)

    info = warning = error = debug
