"""Addresses of the pages of API keys."""

from __future__ import annotations

from django.urls import path, register_converter
from django.urls.converters import IntConverter

from apikeys.web import views


class _RowId(IntConverter):
    """A number that a database takes as a row's id; a longer one is no address of ours."""

    regex = "[0-9]{1,18}"


register_converter(_RowId, "key_row")

urlpatterns = [
    path("account/keys", views.keys, name="account-keys"),
    path("account/keys/<key_row:key_id>/revoke", views.revoke, name="account-keys-revoke"),
]
