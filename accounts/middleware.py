"""What stands around every request because of accounts."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from accounts.errors import TooManyAttempts
from core.error_pages import too_many_requests, unavailable
from core.errors import Unavailable
from core.surfaces import as_domain_error

GetResponse = Callable[[HttpRequest], HttpResponse]

#: What Django's sessions are called.
_SESSION_KEY = re.compile(r"[a-z0-9]{32}")


class SessionCookieMiddleware:
    """Forgets a session cookie that cannot be ours, before the database is asked for it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        cookie = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        if cookie is not None and not _SESSION_KEY.fullmatch(cookie):
            del request.COOKIES[settings.SESSION_COOKIE_NAME]
        return self.get_response(request)


class RefusalMiddleware:
    """Turns what pages of accounts raise into pages: too many attempts, and a part that is out of order."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        match as_domain_error(exception):
            case TooManyAttempts(data={"retry_after_s": int(seconds)}):
                return too_many_requests(request, retry_after_s=seconds)
            case Unavailable(retry_after_s=seconds):
                return unavailable(request, exception, retry_after_s=seconds)
            case _:
                return None
