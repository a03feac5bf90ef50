"""Addresses of the JSON API."""

from __future__ import annotations

from django.urls import path, re_path

from accounts.api import views
from accounts.api.errors import ERRORS
from core.surfaces import catch_all

urlpatterns = [
    path("api/auth/sign-up/email", views.SignUpView.as_view(), name="auth-sign-up"),
    path("api/auth/sign-in/email", views.SignInView.as_view(), name="auth-sign-in"),
    path("api/auth/sign-out", views.SignOutView.as_view(), name="auth-sign-out"),
    path("api/auth/get-session", views.GetSessionView.as_view(), name="auth-session"),
    path("api/auth/two-factor/verify-totp", views.SecondFactorView.as_view()),
    path("api/auth/two-factor/verify-backup-code", views.SecondFactorView.as_view()),
    path("api/auth/request-password-reset", views.RequestPasswordResetView.as_view()),
    path("api/auth/forget-password", views.RequestPasswordResetView.as_view()),
    path("api/auth/reset-password", views.ResetPasswordView.as_view()),
    path("api/auth/change-password", views.ChangePasswordView.as_view()),
    path("api/auth/send-verification-email", views.SendVerificationView.as_view()),
    path("api/auth/list-sessions", views.ListSessionsView.as_view()),
    path("api/auth/revoke-session", views.RevokeSessionView.as_view()),
    path("api/auth/revoke-sessions", views.RevokeSessionsView.as_view()),
    path("api/auth/revoke-other-sessions", views.RevokeSessionsView.as_view(with_current=False)),
    path("api/auth/delete-user", views.DeleteUserView.as_view()),
    re_path(r"^api/auth(?:/[\s\S]*)?\Z", catch_all(ERRORS)),
]
