"""Accounts: sign-in, sessions, mail, and providers of sign-in elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from environs import validate

from config.env import env

#: Providers that a pair of settings turns on: name -> (client's id, its secret, where their sign-in page is).
_PROVIDERS = {
    "google": (
        env.str("SOCIAL_GOOGLE_CLIENT_ID", ""),
        env.str("SOCIAL_GOOGLE_CLIENT_SECRET", ""),
        "https://accounts.google.com",
    ),
    "github": (
        env.str("SOCIAL_GITHUB_CLIENT_ID", ""),
        env.str("SOCIAL_GITHUB_CLIENT_SECRET", ""),
        "https://github.com",
    ),
    "discord": (
        env.str("SOCIAL_DISCORD_CLIENT_ID", ""),
        env.str("SOCIAL_DISCORD_CLIENT_SECRET", ""),
        "https://discord.com",
    ),
}
SOCIAL_PROVIDERS = {name: given for name, given in _PROVIDERS.items() if given[0] and given[1]}

AUTH_APPS = [
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    *(f"allauth.socialaccount.providers.{name}" for name in SOCIAL_PROVIDERS),
]

#: Pages to which the form "sign in with …" leads on: the content policy has to name them.
SOCIAL_ORIGINS = [origin for _, _, origin in SOCIAL_PROVIDERS.values()]


def mail_settings(data_dir: Path) -> dict[str, Any]:
    """How mails leave: by the server of ``EMAIL_URL``, else into the log and files of the data directory.

    Raises:
        ImproperlyConfigured: the URL is of a kind that nobody knows.
    """
    settings: dict[str, Any] = {
        "DEFAULT_FROM_EMAIL": env.str("DEFAULT_FROM_EMAIL", "Frameproof <noreply@localhost>"),
        "EMAIL_FILE_PATH": str(data_dir / "mail"),
        "EMAIL_BACKEND": "accounts.mail.KeptMailBackend",
        # Somebody waits for the page that follows.
        "EMAIL_TIMEOUT": 10,
    }
    if env.str("EMAIL_URL", ""):
        server = dict(env.dj_email_url("EMAIL_URL"))
        if "EMAIL_BACKEND" not in server:
            raise ImproperlyConfigured("EMAIL_URL: must begin with smtp://, submission:// or console://")
        settings |= {name: value for name, value in server.items() if name != "EMAIL_FILE_PATH"}
        settings["EMAIL_TIMEOUT"] = server.get("EMAIL_TIMEOUT") or 10
    return settings


def auth_settings(data_dir: Path) -> dict[str, Any]:
    """Settings of Django's sessions, of allauth and of the mail that both send."""
    mail = mail_settings(data_dir)
    verification = env.str(
        "EMAIL_VERIFICATION", "", validate=validate.OneOf(["", "mandatory", "optional"])
    ) or ("mandatory" if env.str("EMAIL_URL", "") else "optional")
    return mail | {
        "AUTHENTICATION_BACKENDS": ["allauth.account.auth_backends.AuthenticationBackend"],
        # The name that clients of better-auth look for.
        "SESSION_COOKIE_NAME": "better-auth.session_token",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "CSRF_TRUSTED_ORIGINS": env.list("CSRF_TRUSTED_ORIGINS", []),
        "LOGIN_URL": "account_login",
        "LOGIN_REDIRECT_URL": "account",
        "ACCOUNT_LOGOUT_REDIRECT_URL": "home",
        "ACCOUNT_ADAPTER": "accounts.adapter.AccountAdapter",
        "ACCOUNT_FORMS": {"signup": "accounts.forms.SignupForm", "login": "accounts.forms.LoginForm"},
        "ACCOUNT_LOGIN_METHODS": {"email"},
        "ACCOUNT_SIGNUP_FIELDS": ["email*", "password1*"],
        "ACCOUNT_USER_MODEL_USERNAME_FIELD": None,
        "ACCOUNT_USER_DISPLAY": "accounts.models.display_name",
        "ACCOUNT_EMAIL_VERIFICATION": verification,
        "ACCOUNT_EMAIL_SUBJECT_PREFIX": "",
        "ACCOUNT_EMAIL_NOTIFICATIONS": True,
        "ACCOUNT_CHANGE_EMAIL": True,
        "ACCOUNT_PREVENT_ENUMERATION": True,
        # Per address of the client (IPv6 by /64), and per account: by its e-mail address.
        "ACCOUNT_RATE_LIMITS": {"login_failed": "10/m/ip,5/5m/key", "reset_password": "20/m/ip,5/m/key"},
        "ALLAUTH_RATE_LIMIT_IPV6_PREFIX": 64,
        "MFA_ADAPTER": "accounts.adapter.MFAAdapter",
        "MFA_SUPPORTED_TYPES": ["totp", "recovery_codes"],
        "SOCIALACCOUNT_ADAPTER": "accounts.adapter.SocialAccountAdapter",
        "SOCIALACCOUNT_PROVIDERS": {
            name: {"APPS": [{"client_id": client_id, "secret": secret}]}
            for name, (client_id, secret, _) in SOCIAL_PROVIDERS.items()
        },
    }
