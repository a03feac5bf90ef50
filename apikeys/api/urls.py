"""Addresses of ``/api/apikeys``."""

from __future__ import annotations

from django.urls import path, re_path, register_converter
from django.urls.converters import IntConverter

from apikeys.api.errors import ERRORS
from apikeys.api.views import KeysView, KeyView, LeakedKeyView
from core.surfaces import catch_all


class _RowId(IntConverter):
    """A number that a database takes as a row's id; a longer one is no address of ours."""

    regex = "[0-9]{1,18}"


register_converter(_RowId, "key_id")

urlpatterns = [
    path("api/apikeys", KeysView.as_view(), name="apikeys"),
    path("api/apikeys/revoke-leaked", LeakedKeyView.as_view(), name="apikeys-revoke-leaked"),
    path("api/apikeys/<key_id:key_id>", KeyView.as_view(), name="apikey"),
    re_path(r"^api/apikeys(?:/[\s\S]*)?\Z", catch_all(ERRORS)),
]
