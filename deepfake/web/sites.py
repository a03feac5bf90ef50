"""The sites whose videos can be fetched, by the names that people know."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

_NAMES: Final = {
    "youtube": "YouTube",
    "tiktok": "TikTok",
    "vm.tiktok": "TikTok",
    "instagram": "Instagram",
    "twitter": "X",
    "vimeo": "Vimeo",
    "facebook": "Facebook",
    "reddit": "Reddit",
    "bilibili": "Bilibili",
}

#: Hosts whose pages show videos, by the extractor that fetches them; those below them are theirs, too.
_HOSTS: Final = {
    "youtube": ("youtube.com", "youtu.be"),
    "tiktok": ("tiktok.com",),
    "vm.tiktok": ("vm.tiktok.com", "vt.tiktok.com"),
    "instagram": ("instagram.com",),
    "twitter": ("twitter.com", "x.com"),
    "vimeo": ("vimeo.com",),
    "facebook": ("facebook.com", "fb.watch"),
    "reddit": ("reddit.com", "redd.it"),
    "bilibili": ("bilibili.com", "b23.tv"),
}
_VIDEO_FILES: Final = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi"})


def shows_videos(url: str) -> bool:
    """Whether an address is of a video, by its looks: on one of the sites, or a file of that kind."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
    except ValueError:
        return False
    hosts = [each for name in settings.DEEPFAKE_EXTRACTORS for each in _HOSTS.get(name.lower(), ())]
    if any(host == each or host.endswith(f".{each}") for each in hosts):
        return True
    return PurePosixPath(parts.path).suffix.lower() in _VIDEO_FILES


def site_names() -> str:
    """A list in words; empty where links to files only are taken."""
    names = dict.fromkeys(_NAMES.get(name.lower(), name) for name in settings.DEEPFAKE_EXTRACTORS)
    return str(get_text_list(list(names), _("or")))
