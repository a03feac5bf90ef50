"""Views of the JSON API: parse, one service call, render."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import patch_vary_headers
from rest_framework.request import Request

from accounts import services
from accounts.api.errors import ERRORS
from accounts.api.requests import MAX_BODY_BYTES, read_fields, read_sign_in, read_sign_up
from accounts.api.responses import session_body, user_body
from accounts.errors import SessionMissing
from accounts.models import User
from accounts.origin import check_origin
from accounts.selectors import current_session, session_token, sessions_of, user_facts
from core.surfaces import SurfaceView, plain_request


class AuthView(SurfaceView):
    """Base of these views: writes come from pages of this site, or from no page."""

    errors = ERRORS
    max_body_bytes = MAX_BODY_BYTES

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        check_origin(plain_request(request))
        super().initial(request, *args, **kwargs)

    def finalize_response(
        self, request: Request, response: HttpResponse, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        response = super().finalize_response(request, response, *args, **kwargs)
        # Else it would be there only where the session was looked at: when a new address signs up, for one.
        patch_vary_headers(response, ["Cookie"])
        return response


def signed_in_user(http: HttpRequest) -> User:
    """The user of the session.

    Raises:
        SessionMissing: nobody is signed in.
    """
    if not isinstance(http.user, User):
        raise SessionMissing
    return http.user


def _session_answer(http: HttpRequest, user: User, **more: Any) -> JsonResponse:
    token = session_token(http.session.session_key or "")
    return JsonResponse({**more, "token": token, "user": user_body(user_facts(user))})


class SignUpView(AuthView):
    """``POST sign-up/email``: make an account. It signs nobody in."""

    def post(self, request: Request) -> HttpResponse:
        asked = read_sign_up(request)
        user = services.sign_up(
            request=plain_request(request), name=asked.name, email=asked.email, password=asked.password
        )
        return JsonResponse({"token": None, "user": user_body(user)})


class SignInView(AuthView):
    """``POST sign-in/email``: sign in; the cookie of the answer is the session."""

    def post(self, request: Request) -> HttpResponse:
        asked, http = read_sign_in(request), plain_request(request)
        user = services.sign_in(
            request=http, email=asked.email, password=asked.password, remember=asked.remember
        )
        if user is None:
            return JsonResponse({"twoFactorRedirect": True, "twoFactorMethods": ["totp"]})
        target = {"url": asked.callback} if asked.callback else {}
        return _session_answer(http, user, redirect=bool(asked.callback), **target)


class SecondFactorView(AuthView):
    """``POST two-factor/verify-totp`` and ``verify-backup-code``: the code that a sign-in waits for."""

    def post(self, request: Request) -> HttpResponse:
        http = plain_request(request)
        code = read_fields(request).text("code", most=64)
        return _session_answer(http, services.verify_second_factor(request=http, code=code))


class SignOutView(AuthView):
    """``POST sign-out``."""

    def post(self, request: Request) -> HttpResponse:
        read_fields(request)
        services.sign_out(request=plain_request(request))
        return JsonResponse({"success": True})


class GetSessionView(AuthView):
    """``GET get-session``: the session and its user, or ``null``."""

    def get(self, request: Request) -> HttpResponse:
        http = plain_request(request)
        if not isinstance(http.user, User):
            return JsonResponse(None, safe=False)
        session = current_session(http.user, key=http.session.session_key or "")
        if session is None:
            return JsonResponse(None, safe=False)
        user = user_facts(http.user)
        return JsonResponse({"session": session_body(session, user), "user": user_body(user)})


class RequestPasswordResetView(AuthView):
    """``POST request-password-reset``, of old ``forget-password``: the same answer for every address."""

    def post(self, request: Request) -> HttpResponse:
        fields = read_fields(request)
        email = fields.email()
        fields.callback(request, "redirectTo")
        services.request_password_reset(request=plain_request(request), email=email)
        message = "If this email exists in our system, check your email for the reset link"
        return JsonResponse({"status": True, "message": message})


class ResetPasswordView(AuthView):
    """``POST reset-password``: with the token that is the last part of the mail's link."""

    def post(self, request: Request) -> HttpResponse:
        fields = read_fields(request)
        token, password = fields.text("token", most=200), fields.password("newPassword")
        services.reset_password(request=plain_request(request), token=token, password=password)
        return JsonResponse({"status": True})


class ChangePasswordView(AuthView):
    """``POST change-password``: other sessions end, also where ``revokeOtherSessions`` is not set."""

    def post(self, request: Request) -> HttpResponse:
        http = plain_request(request)
        user, fields = signed_in_user(http), read_fields(request)
        current, new = fields.password("currentPassword"), fields.password("newPassword")
        fields.flag("revokeOtherSessions", default=True)
        services.change_password(request=http, user=user, current=current, new=new)
        return _session_answer(http, user)


class SendVerificationView(AuthView):
    """``POST send-verification-email``: the same answer for every address."""

    def post(self, request: Request) -> HttpResponse:
        fields = read_fields(request)
        email = fields.email()
        fields.callback(request)
        services.send_verification(request=plain_request(request), email=email)
        return JsonResponse({"status": True})


class ListSessionsView(AuthView):
    """``GET list-sessions``."""

    def get(self, request: Request) -> HttpResponse:
        http = plain_request(request)
        user = signed_in_user(http)
        facts = user_facts(user)
        found = sessions_of(user, current_key=http.session.session_key or "")
        return JsonResponse([session_body(session, facts) for session in found], safe=False)


class RevokeSessionView(AuthView):
    """``POST revoke-session``: the one that ``token`` names."""

    def post(self, request: Request) -> HttpResponse:
        http = plain_request(request)
        user = signed_in_user(http)
        services.end_session(request=http, user=user, token=read_fields(request).text("token", most=200))
        return JsonResponse({"status": True})


class RevokeSessionsView(AuthView):
    """``POST revoke-sessions`` and ``revoke-other-sessions``."""

    with_current = True

    def post(self, request: Request) -> HttpResponse:
        http = plain_request(request)
        user = signed_in_user(http)
        read_fields(request)
        services.end_sessions(request=http, user=user, with_current=self.with_current)
        return JsonResponse({"status": True})


class DeleteUserView(AuthView):
    """``POST delete-user``: with the password."""

    def post(self, request: Request) -> HttpResponse:
        http = plain_request(request)
        user, password = signed_in_user(http), read_fields(request).password()
        services.confirm_owner(request=http, user=user, password=password)
        services.delete_account(request=http, user=user)
        return JsonResponse({"success": True, "message": "User deleted"})
