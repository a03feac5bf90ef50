"""Previews of a scene, and the tokens that open them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass

from django.conf import settings

from anime_search.errors import PreviewExpired, PreviewGone, PreviewRefused
from anime_search.models import Video
from core import clock

#: Seconds that a preview's address works after the search.
TOKEN_LIFETIME_S = 24 * 3600

#: Widths of stills in pixels, by the name of a size.
WIDTHS = {"s": 160, "m": 320, "l": 640}

#: A container's length is not exact to the frame.
END_TOLERANCE_S = 1.0

#: The last time that a token can carry, in seconds: 49 days.
LATEST_S = (2**32 - 1) / 1000

_HEADER = struct.Struct(">QIQ")


@dataclass(frozen=True, slots=True)
class Moment:
    """A time in a video, in milliseconds: what a token stands for."""

    video_id: int
    at_ms: int


def sign_moment(moment: Moment, *, context: str = "") -> str:
    """Make a token: video, time and expiry, with HMAC-SHA256 over them and over ``context``.

    ``context`` is what the address says beside the token (a file's name, say): a token that is put into
    another address is refused.
    """
    expires = int(clock.now().timestamp()) + TOKEN_LIFETIME_S
    header = _HEADER.pack(moment.video_id, moment.at_ms, expires)
    return base64.urlsafe_b64encode(header + _mac(header, context)).rstrip(b"=").decode()


def open_token(token: str, *, context: str = "") -> Moment:
    """Read a token.

    Raises:
        PreviewRefused: it was not made by :func:`sign_moment` for this context.
        PreviewExpired: it was, too long ago.
    """
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise PreviewRefused from None
    header, mac = raw[: _HEADER.size], raw[_HEADER.size :]
    # The last character of unpadded base64 has bits to spare: only one spelling of a token is valid.
    canonical = base64.urlsafe_b64encode(raw).rstrip(b"=").decode() == token
    if len(header) != _HEADER.size or not canonical or not hmac.compare_digest(mac, _mac(header, context)):
        raise PreviewRefused
    video_id, at_ms, expires = _HEADER.unpack(header)
    if expires < clock.now().timestamp():
        raise PreviewExpired
    return Moment(video_id, at_ms)


def open_named_token(token: str, *, context: str, filename: str, at_s: float) -> Moment:
    """Read the token of an address that names a file and a time beside it.

    Neither is ever looked up: the token says which video is meant, and the address must agree with it.

    Args:
        context: as for :func:`sign_moment`.
        filename: the video's name.
        at_s: exactly the moment's time in seconds, or that to two decimals.

    Raises:
        PreviewRefused, PreviewExpired: as :func:`open_token`; also for another time of the same video.
        PreviewGone: the video is not there any more, has another name by now, or ends before ``at_s``.
    """
    moment = open_token(token, context=context)
    if video_at(moment.video_id, at_s).filename != filename:
        raise PreviewGone
    # Addresses carry times in two decimals; the token has the frame's own.
    if at_s not in (moment.at_ms / 1000, round(moment.at_ms / 1000, 2)):
        raise PreviewRefused
    return moment


def video_at(video_id: int, at_s: float) -> Video:
    """The video of an id.

    Raises:
        PreviewGone: it is not there any more, or ends before ``at_s``.
    """
    video = Video.objects.filter(pk=video_id).first()
    if video is None or at_s > video.duration_ms / 1000 + END_TOLERANCE_S:
        raise PreviewGone
    return video


def _mac(header: bytes, context: str) -> bytes:
    key = hashlib.sha256(b"frameproof.preview\0" + settings.SECRET_KEY.encode()).digest()
    fields = (header, context.encode())
    message = b"".join(struct.pack(">I", len(field)) + field for field in fields)
    return hmac.digest(key, message, "sha256")
