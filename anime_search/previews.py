"""Previews of a scene, and the tokens that open them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass

from django.conf import settings

from anime_search import runtime
from anime_search.engine.stills import still_at
from anime_search.engine.video import VideoError
from anime_search.errors import PreviewExpired, PreviewGone, PreviewRefused
from anime_search.models import Video
from anime_search.selectors import playable_file
from core import clock

#: Seconds that a preview's address works after the search.
TOKEN_LIFETIME_S = 24 * 3600

#: Widths of stills in pixels, by the name of a size.
WIDTHS = {"s": 160, "m": 320, "l": 640}

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


def still_of(moment: Moment, *, width: int) -> bytes:
    """The frame of a moment as JPEG.

    Raises:
        PreviewGone: the video, or its file, is not there any more.
    """
    video = Video.objects.filter(pk=moment.video_id).first()
    path = playable_file(video) if video else None
    if path is None:
        raise PreviewGone
    try:
        return still_at(path, moment.at_ms / 1000, width=width, limits=runtime.VIDEO_LIMITS)
    except VideoError as error:
        raise PreviewGone from error


def _mac(header: bytes, context: str) -> bytes:
    key = hashlib.sha256(b"frameproof.preview\0" + settings.SECRET_KEY.encode()).digest()
    fields = (header, context.encode())
    message = b"".join(struct.pack(">I", len(field)) + field for field in fields)
    return hmac.digest(key, message, "sha256")
