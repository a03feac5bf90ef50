"""Which of a site's renditions of a video to take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

#: Pixels of the short side above which a rendition is only taken if there is none below.
PREFERRED_SIDE: Final = 720

Format = Mapping[str, Any]

_SUFFIXES: Final = frozenset({"mp4", "m4v", "mov", "webm"})
#: Of yt-dlp's protocols those whose downloaders are its own and run to an end, the plainest first.
_PROTOCOLS: Final = ("https", "http", "m3u8_native", "m3u8", "http_dash_segments")
_FRAGMENTED: Final = frozenset({"m3u8_native", "m3u8", "http_dash_segments"})
#: Codecs by their beginnings, those that are decoded with the least effort first.
_CODECS: Final = ("avc", "h264", "vp9", "vp09", "vp8", "hev", "hvc", "h265", "av01", "av1")


class AllTooLarge(Exception):
    """There are renditions, and the site says of each that it is larger than the limit."""


def choose_format(formats: Sequence[Format], *, max_bytes: int, duration_s: float | None) -> Format | None:
    """The best rendition up to 720 pixels on the short side that fits: of equals a file, and one without sound.

    Renditions in pieces, whose beginning can be used by itself, fit always.

    Args:
        formats: as an extractor of yt-dlp gives them.
        max_bytes: that the download may have.
        duration_s: of the video, where it is known: it tells the size of renditions whose bit rate is.

    Returns:
        None if there is no picture among them, or none that can be had.

    Raises:
        AllTooLarge: none of them fits.
    """
    takable = [one for one in formats if _is_takable(one)]
    fitting = [one for one in takable if is_usable_in_part(one) or (_size(one, duration_s) or 0) <= max_bytes]
    if takable and not fitting:
        raise AllTooLarge
    return max(fitting, key=_merit, default=None)


def is_usable_in_part(one: Format) -> bool:
    """Whether the beginning of a rendition is a video by itself: it comes in pieces that are."""
    return _protocol(one) in _FRAGMENTED


def short_side(one: Format) -> int | None:
    """Pixels of the shorter side of the picture, as far as they are known; upright videos are as good as wide ones."""
    sides = [int(side) for side in (one.get("width"), one.get("height")) if side]
    return min(sides, default=None)


def told(one: Format) -> str:
    """A rendition in a few words, for people who watch a download."""
    size = _size(one, None)
    parts = (
        str(one.get("format_id")),
        f"{one.get('width') or '?'}x{one.get('height') or '?'}",
        str(one.get("vcodec") or "unknown codec"),
        str(one.get("ext")),
        _protocol(one),
        f"about {size / 1_000_000:.1f} MB" if size else "",
    )
    return " ".join(part for part in parts if part)


def _protocol(one: Format) -> str:
    return str(one.get("protocol") or str(one.get("url", "")).partition(":")[0])


def _is_takable(one: Format) -> bool:
    return (
        one.get("vcodec") != "none"
        and not one.get("has_drm")
        and _protocol(one) in _PROTOCOLS
        and one.get("ext") in _SUFFIXES
    )


def _size(one: Format, duration_s: float | None) -> float | None:
    """Bytes of a rendition, as far as the site says."""
    size = one.get("filesize") or one.get("filesize_approx")
    if not size and duration_s and one.get("tbr"):
        # Kilobits a second.
        size = float(one["tbr"]) * 125 * duration_s
    return float(size) if size else None


def _merit(one: Format) -> tuple[Any, ...]:
    side = short_side(one)
    # Those whose size nobody tells come after those that are known to do, and before those that are too big.
    group = 1 if side is None else 2 if side <= PREFERRED_SIDE else 0
    codec = str(one.get("vcodec") or "").lower()
    return (
        group,
        (side or 0) if group == 2 else -(side or 0),
        not is_usable_in_part(one),
        one.get("acodec") == "none",
        -next((place for place, name in enumerate(_CODECS) if codec.startswith(name)), len(_CODECS)),
        -_PROTOCOLS.index(_protocol(one)),
        float(one.get("tbr") or 0),
    )
