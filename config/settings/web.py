"""What browsers are told: content policy and transport security."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from csp.constants import NONE, SELF

from config.env import env


def content_security_policy(*, form_targets: Sequence[str] = ()) -> dict[str, Any]:
    """Scripts, styles and media of our own host only; previews of a chosen file come as ``blob:``.

    Args:
        form_targets: origins besides our own that a form may lead to, also by a redirect.
    """
    return {
        "DIRECTIVES": {
            "default-src": [NONE],
            "script-src": [SELF],
            "style-src": [SELF],
            "img-src": [SELF, "blob:", "data:"],
            "media-src": [SELF, "blob:"],
            "font-src": [SELF],
            "connect-src": [SELF],
            "manifest-src": [SELF],
            "form-action": [SELF, *form_targets],
            "base-uri": [NONE],
            "frame-ancestors": [NONE],
        }
    }


def https_settings(*, enabled: bool) -> dict[str, Any]:
    """Cookies, redirects and HSTS for a site behind TLS; off on a laptop's plain loopback address."""
    settings: dict[str, Any] = {
        "SESSION_COOKIE_SECURE": enabled,
        "CSRF_COOKIE_SECURE": enabled,
        "LANGUAGE_COOKIE_SECURE": enabled,
        "SECURE_SSL_REDIRECT": enabled,
        "SECURE_HSTS_SECONDS": 31_536_000 if enabled else 0,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": enabled,
        "SECURE_HSTS_PRELOAD": enabled,
    }
    if env.bool("BEHIND_TLS_PROXY", False):
        # Whoever reaches the site through the proxy came by TLS, also where HTTPS is not enforced here.
        for cookie in ("SESSION", "CSRF", "LANGUAGE"):
            settings[f"{cookie}_COOKIE_SECURE"] = True
        settings["SECURE_PROXY_SSL_HEADER"] = ("HTTP_X_FORWARDED_PROTO", "https")
    return settings
