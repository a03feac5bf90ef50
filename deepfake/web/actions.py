"""What a form on the pages of an analysis does: cancel, delete, analyse again, forget the file."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.principal import Principal
from apikeys.visitors import caller_of
from core.pages import Problem
from deepfake.clearing import clear_analyses
from deepfake.errors import AnalysisNotFound
from deepfake.services import (
    Dismissal,
    KeptVideo,
    cancel_analysis,
    dismiss_analysis,
    forget_file,
    request_analysis,
    require_detector,
)
from deepfake.web.answers import refused
from deepfake.web.requests import once_of

Action = Callable[[HttpRequest, Principal, str], HttpResponse]


def _action(act: Action) -> Callable[..., HttpResponse]:
    """A view that acts on the caller's own analysis when a form is sent; whoever follows the address sees the analysis."""

    @never_cache
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(act)
    def view(request: HttpRequest, public_id: str) -> HttpResponse:
        if request.method != "POST":
            return redirect("detect-analysis", public_id)
        try:
            return act(request, caller_of(request), public_id)
        except AnalysisNotFound:
            raise Http404 from None
        except Exception as error:  # noqa: BLE001 - whatever is raised becomes words
            return refused(request, error, lambda problem: _page(request, problem, public_id))

    return view


def _page(request: HttpRequest, problem: Problem, public_id: str) -> HttpResponse:
    context = {"problem": problem, "public_id": public_id}
    return render(request, "deepfake/refused.html", context, status=problem.status)


@_action
def cancel(request: HttpRequest, caller: Principal, public_id: str) -> HttpResponse:
    """End an analysis that is open; where it has just ended there is a verdict to see."""
    cancel_analysis(principal=caller, public_id=public_id)
    return redirect("detect-analysis", public_id)


@_action
def delete(request: HttpRequest, caller: Principal, public_id: str) -> HttpResponse:
    """Delete an analysis that has ended, with all that is kept of it; one that is open is cancelled."""
    if dismiss_analysis(principal=caller, public_id=public_id) is Dismissal.DELETED:
        messages.success(request, _("The analysis was deleted, with everything that was kept of the video."))
    else:
        messages.success(request, _("The analysis was cancelled. Nothing was charged."))
    return redirect("detect-history")


@_action
def again(request: HttpRequest, caller: Principal, public_id: str) -> HttpResponse:
    """Have the kept file analysed once more."""
    require_detector()
    name = once_of(request, "again", public_id)
    row = request_analysis(principal=caller, source=KeptVideo(public_id), request=name)
    return redirect("detect-analysis", row.public_id)


@_action
def forget(request: HttpRequest, caller: Principal, public_id: str) -> HttpResponse:
    """Remove the kept file; the verdict stays."""
    forget_file(principal=caller, public_id=public_id)
    messages.success(request, _("The file was removed. The verdict stays."))
    return redirect("detect-analysis", public_id)


@never_cache
@require_POST
def clear(request: HttpRequest) -> HttpResponse:
    """Delete all of the caller's analyses; what is open of them is cancelled."""
    count = clear_analyses(principal=caller_of(request))
    words = ngettext("%(n)d analysis was deleted.", "%(n)d analyses were deleted.", count)
    messages.success(request, words % {"n": count})
    return redirect("detect-history")
