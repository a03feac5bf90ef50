"""The web app manifest (https://www.w3.org/TR/appmanifest/), in the visitor's language."""

from __future__ import annotations

from typing import Any, Final

from django.templatetags.static import static
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

#: Those of the light page; a manifest has no other for the dark, the pages themselves do.
THEME_COLOR: Final = "#f6f5f2"
#: Fields of a share (https://w3c.github.io/web-share-target/).
SHARED_FILE: Final = "media"
SHARED_TEXTS: Final = ("url", "text", "title")


def manifest() -> dict[str, Any]:
    """What a phone is told of the site when somebody installs it."""
    return {
        "id": "/",
        "name": "Frameproof",
        "short_name": "Frameproof",
        "description": _("Find the anime, the episode and the second that a screenshot is from."),
        "lang": translation.get_language(),
        "dir": "rtl" if translation.get_language_bidi() else "ltr",
        "start_url": reverse("home"),
        "scope": "/",
        "display": "standalone",
        "theme_color": THEME_COLOR,
        "background_color": THEME_COLOR,
        "categories": ["entertainment", "utilities"],
        "icons": [
            {"src": static("icons/favicon.svg"), "type": "image/svg+xml", "sizes": "any"},
            *(_icon(f"icon-{side}", side, "any") for side in (192, 512)),
            *(_icon(f"maskable-{side}", side, "maskable") for side in (192, 512)),
        ],
        "shortcuts": [
            {"name": _("Find a scene"), "url": reverse("home")},
            {"name": _("Is it real?"), "url": reverse("detect")},
        ],
        "share_target": {
            "action": reverse("share"),
            "method": "POST",
            "enctype": "multipart/form-data",
            "params": {
                **{name: name for name in SHARED_TEXTS},
                "files": [{"name": SHARED_FILE, "accept": ["image/*", "video/*"]}],
            },
        },
    }


def _icon(name: str, side: int, purpose: str) -> dict[str, str]:
    return {
        "src": static(f"icons/{name}.png"),
        "type": "image/png",
        "sizes": f"{side}x{side}",
        "purpose": purpose,
    }
