"""A clip as an answer: sent while it is being cut where the client can take that, else as a file with ranges."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.client import client_of
from anime_search.clips import LiveClip, Passage, live_clip, whole_clip
from anime_search.cut_limit import count_cut
from core.ranged_file import file_response, known_response, may_stream, stream_response

_TYPE = "video/mp4"


def clip_response(request: HttpRequest, passage: Passage, *, headers: Mapping[str, str]) -> HttpResponseBase:
    """The clip of a passage, or the part of it that is asked for, or word that the caller has it already.

    Clips that were cut before cost a caller nothing; those that are cut now are counted.

    Raises:
        PreviewGone, Unavailable: as :func:`anime_search.clips.live_clip`.
        PreviewsLimited: the caller had as many clips cut as may be.
    """
    if (known := known_response(request, etag=passage.etag, headers=headers)) is not None:
        return known
    address = client_of(request)
    have = live_clip if may_stream(request) else whole_clip
    clip = have(passage, on_cut=lambda: count_cut(address=address))
    if isinstance(clip, LiveClip):
        return stream_response(clip, etag=passage.etag, content_type=_TYPE, headers=headers)
    return file_response(request, clip.path, etag=clip.etag, content_type=_TYPE, headers=headers)
