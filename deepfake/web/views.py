"""Pages of the detector: ask, look on, read the verdict, look back."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect, ensure_csrf_cookie
from django.views.decorators.http import require_http_methods, require_safe

from accounts.principal import Principal, PrincipalKind
from apikeys.visitors import caller_of, onlooker_of
from core.pages import Problem
from deepfake import keepsakes
from deepfake.errors import AnalysisNotFound, DetectorUnavailable, SourceGone
from deepfake.held import HELD_MINUTES, held_video, let_go
from deepfake.models import Analysis, AnalysisStatus
from deepfake.selectors import analyses_of, analysis_of
from deepfake.services import request_analysis, require_detector
from deepfake.web.allowance import allowance_of
from deepfake.web.answers import refused, see_other
from deepfake.web.errors import most_megabytes, without_detector
from deepfake.web.exports import analysis_export
from deepfake.web.failures import failure_words
from deepfake.web.history import entry_of
from deepfake.web.progress import progress_of
from deepfake.web.report import report_of
from deepfake.web.requests import FRAGMENT_HEADER, parse_video_form, read_question, wants_fragment
from deepfake.web.sites import site_names

#: Analyses on a page of the list.
PAGE_SIZE = 20
#: Letters of a form's own name: as many as chance does not repeat.
_NAME_LENGTH = 22


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def detect(request: HttpRequest) -> HttpResponse:
    """The page that asks for a video. Its form is sent here, and leads on to the analysis's own page.

    The form is read before the check against forged requests, which would end without a page of ours where it
    cannot be read.
    """
    if request.method != "POST":
        return _asking(request)
    try:
        parse_video_form(request)
    except Exception as error:  # noqa: BLE001 - whatever a parser raises becomes words
        return _refused(request, error)
    return _ask(request)


@csrf_protect
def _ask(request: HttpRequest) -> HttpResponse:
    url, held = request.POST.get("url", ""), request.POST.get("held", "")
    try:
        question = read_question(request)
        require_detector()
        caller = caller_of(request, begins=True)
        row = request_analysis(
            principal=caller,
            source=question.source(caller),
            request=question.name,
            keep_file=question.keep_file,
        )
        if question.held:
            let_go(principal=caller, token=question.held)
    except Exception as error:  # noqa: BLE001 - the same
        return _refused(request, error, url=url, held=held)
    return see_other(request, reverse("detect-analysis", args=[row.public_id]))


@ensure_csrf_cookie
def _asking(request: HttpRequest) -> HttpResponse:
    try:
        require_detector()
    except DetectorUnavailable:
        return render(request, "deepfake/ask.html", _page(request, without=without_detector()), status=503)
    page = _page(
        request,
        url=request.GET.get("url", ""),
        held=request.GET.get("held", ""),
        **({"was_shared": True} if "shared" in request.GET else {}),
    )
    return render(request, "deepfake/ask.html", page)


def _refused(request: HttpRequest, error: Exception, *, url: str = "", held: str = "") -> HttpResponse:
    def page(problem: Problem) -> HttpResponse:
        context = _page(request, url=url, held=held, problem=problem)
        return render(request, "deepfake/ask.html", context, status=problem.status)

    return refused(request, error, page)


def _page(request: HttpRequest, *, held: str = "", **more: Any) -> dict[str, Any]:
    """What the page that asks shows.

    Args:
        held: token of a file that was handed over before.
    """
    caller = onlooker_of(request)
    is_guest = caller.kind is PrincipalKind.GUEST
    kept_days = _kept_days(is_guest=is_guest)
    return {
        "allowance": allowance_of(caller),
        "is_guest": is_guest,
        "kept_days": kept_days,
        "file_days": _file_days(kept_days),
        "most_bytes": settings.MAX_BODY_BYTES,
        "most_megabytes": most_megabytes(),
        "sites": site_names(),
        "once": get_random_string(_NAME_LENGTH),
        "fragment_header": FRAGMENT_HEADER,
        "held_minutes": HELD_MINUTES,
        **_held(caller, held),
        **more,
    }


def _held(caller: Principal, token: str) -> dict[str, str | bool]:
    """A file that was handed over, by its token and its name; where it is gone, that one is to be chosen again."""
    if not token:
        return {}
    try:
        return {"held": token, "held_name": held_video(principal=caller, token=token).name}
    except SourceGone:
        return {"was_shared": True}


def _kept_days(*, is_guest: bool) -> int:
    """Days after which a verdict goes; 0: never."""
    days = int(settings.DEEPFAKE_KEPT_DAYS)
    if not is_guest:
        return days
    session = int(settings.SESSION_COOKIE_AGE) // 86_400
    return min(session, days or session)


def _file_days(kept_days: int) -> int:
    """Days after which a kept file goes, with its verdict at the latest."""
    days = int(settings.DEEPFAKE_FILE_KEPT_DAYS)
    return min(days, kept_days or days)


@never_cache
@require_safe
def analysis(request: HttpRequest, public_id: str) -> HttpResponse:
    """One analysis: how far it is, why it came to nothing, or its verdict."""
    row = _own(request, public_id)
    if row.is_open:
        page = {"analysis": row, "entry": entry_of(row), "progress": progress_of(row)}
        if not wants_fragment(request):
            return render(request, "deepfake/progress.html", page)
        response = render(request, "deepfake/_steps.html", page)
        response[FRAGMENT_HEADER] = "open"
        return response
    if wants_fragment(request):
        return HttpResponse(headers={FRAGMENT_HEADER: "ended"})
    page = {"analysis": row, "entry": entry_of(row)}
    if row.status != AnalysisStatus.DONE:
        return render(request, "deepfake/failed.html", {**page, "failure": failure_words(row)})
    more = {
        "report": report_of(row),
        "has_file": row.keeps_file and keepsakes.video_of(row.public_id) is not None,
        "file_days": _file_days(_kept_days(is_guest=bool(row.visitor))),
        "once": get_random_string(_NAME_LENGTH),
    }
    return render(request, "deepfake/verdict.html", {**page, **more})


@never_cache
@require_safe
def export(request: HttpRequest, public_id: str) -> HttpResponse:
    """The verdict as JSON."""
    row = _own(request, public_id)
    if row.status != AnalysisStatus.DONE:
        raise Http404
    return JsonResponse(
        analysis_export(row),
        json_dumps_params={"ensure_ascii": False, "indent": 1},
        headers={"Content-Disposition": f'attachment; filename="frameproof-{row.public_id}.json"'},
    )


@require_safe
def frame_picture(request: HttpRequest, public_id: str, frame: int) -> HttpResponse:
    """A frame that was judged."""
    return _picture(request, public_id, frame, heat=False)


@require_safe
def heat_picture(request: HttpRequest, public_id: str, frame: int) -> HttpResponse:
    """A frame that was judged, with what spoke for a fake coloured."""
    return _picture(request, public_id, frame, heat=True)


@never_cache
@require_safe
def history(request: HttpRequest) -> HttpResponse:
    """The caller's analyses, newest first."""
    caller = caller_of(request)
    rows = analyses_of(user_id=caller.user_id, visitor=caller.visitor)
    found = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    page = {
        "page": found,
        "entries": [entry_of(row) for row in found],
        "is_guest": caller.kind is PrincipalKind.GUEST,
    }
    return render(request, "deepfake/history.html", page)


def _own(request: HttpRequest, public_id: str) -> Analysis:
    """The caller's analysis; whether somebody else has one of this id is not told."""
    caller = caller_of(request)
    try:
        return analysis_of(user_id=caller.user_id, visitor=caller.visitor, public_id=public_id)
    except AnalysisNotFound:
        raise Http404 from None


def _picture(request: HttpRequest, public_id: str, frame: int, *, heat: bool) -> HttpResponse:
    row = _own(request, public_id)
    content = keepsakes.picture_of(row.public_id, frame, heat=heat)
    if content is None:
        raise Http404
    # It never changes, and is gone from the page with its analysis.
    return HttpResponse(
        content, content_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600, immutable"}
    )
