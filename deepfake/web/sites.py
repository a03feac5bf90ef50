"""The sites whose videos can be fetched, by the names that people know."""

from __future__ import annotations

from typing import Final

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


def site_names() -> str:
    """A list in words; empty where links to files only are taken."""
    names = dict.fromkeys(_NAMES.get(name.lower(), name) for name in settings.DEEPFAKE_EXTRACTORS)
    return str(get_text_list(list(names), _("or")))
