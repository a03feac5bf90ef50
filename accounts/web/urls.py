"""Addresses of the account's pages."""

from __future__ import annotations

from django.urls import include, path, re_path

from accounts.web import views

urlpatterns = [
    path("account", views.profile, name="account"),
    path("account/export", views.export, name="account_export"),
    path("account/delete", views.delete, name="account_delete"),
    path("account/sessions/end", views.end_session, name="account_end_session"),
    path("accounts/signed-up/", views.signed_up, name="account_signed_up"),
    # Before allauth's own: an answer of 400 where it says 200 to a link that is no good.
    re_path(
        r"^accounts/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$", views.password_reset_from_key
    ),
    re_path(r"^accounts/confirm-email/(?P<key>[-:\w]+)/$", views.confirm_email),
    path("accounts/", include("allauth.urls")),
]
