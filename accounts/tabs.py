"""The tabs of the account's pages: every app adds its own."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab whose page exists."""

    name: str
    label: str | Promise
    url: str


@dataclass(frozen=True, slots=True)
class _Registered:
    label: str | Promise
    url_name: str
    order: int


_tabs: dict[str, _Registered] = {}


def register_tab(name: str, label: str | Promise, url_name: str, order: int) -> None:
    """Add a tab; called from ``AppConfig.ready``.

    Args:
        name: how the page's template names its own tab.
        url_name: name of the page's address; while there is none, the tab does not show.
        order: tabs stand by it; those of accounts are 10, 20, 30, ….
    """
    _tabs[name] = _Registered(label, url_name, order)


def account_tabs() -> list[Tab]:
    """The tabs in their order."""
    found: list[Tab] = []
    for name, tab in sorted(_tabs.items(), key=lambda item: (item[1].order, item[0])):
        try:
            found.append(Tab(name, tab.label, reverse(tab.url_name)))
        except NoReverseMatch:
            continue
    return found
