"""Staff with some permissions, and the two steps of an action: choosing rows, and answering its page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User

MakeStaff = Callable[..., Client]


@pytest.fixture(autouse=True)
def _own_cache(settings: Settings, request: pytest.FixtureRequest) -> None:
    """Every test counts in a cache of its own: its users have the ids of another test's."""
    backend = "django.core.cache.backends.locmem.LocMemCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": request.node.nodeid}}


@pytest.fixture
def make_staff(db: None) -> MakeStaff:
    """``make_staff("accounts.view_user")`` is signed in and may do just that."""

    def make(*permissions: str) -> Client:
        user = User.objects.create_user(f"staff{User.objects.count()}@example.com", "x", is_staff=True)
        for permission in permissions:
            app, codename = permission.split(".")
            user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
        client = Client()
        client.force_login(user)
        return client

    return make


def make_users(count: int, **fields: Any) -> list[User]:
    first = User.objects.count()
    return [
        User.objects.create_user(f"user{number}@example.com", "x", **fields)
        for number in range(first, first + count)
    ]


def changelist(rows: str = "accounts_user") -> str:
    return reverse(f"admin:{rows}_changelist")


def choose(
    client: Client, action: str, rows: Iterable[Any], *, where: str | None = None, **data: str
) -> HttpResponse:
    """The first step: the list's own form."""
    chosen = {"action": action, "index": "0", "_selected_action": [row.pk for row in rows], **data}
    return client.post(where or changelist(), chosen)


def hidden_fields(page: HttpResponse) -> dict[str, str]:
    """What the page of an action sends along without being asked."""
    text = page.content.decode().split('<form method="post">')[1]
    tags = re.findall(r'<input type="hidden"[^>]*>', text)
    return {
        re.search(r'name="([^"]*)"', tag)[1]: re.search(r'value="([^"]*)"', tag)[1]
        for tag in tags
        if "csrf" not in tag
    }


def answer(
    client: Client, page: HttpResponse, *, where: str | None = None, **answers: object
) -> HttpResponse:
    """The second step: the action's page; leads back to the list where it was answered."""
    return client.post(where or changelist(), {**hidden_fields(page), **answers}, follow=True)


def messages_of(response: HttpResponse) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def said() -> list[tuple[str, str]]:
    """The audit trail, oldest first: of what, and what was done."""
    return [(entry.object_repr, entry.get_change_message()) for entry in LogEntry.objects.order_by("pk")]
