"""Pieces of the account's pages."""

from __future__ import annotations

from typing import Any

from django import template

from accounts import selectors
from accounts.tabs import account_tabs

register = template.Library()
register.filter("session_token", selectors.session_token)


@register.inclusion_tag("accounts/_tabs.html")
def tabs(current: str = "") -> dict[str, Any]:
    """The tabs; ``current`` names the page's own."""
    return {"tabs": account_tabs(), "current": current}
