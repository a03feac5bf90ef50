"""How the pages answer a form: by leading on, or by saying what is wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core.errors import Unavailable
from core.pages import Problem
from core.surfaces import InternalFault, as_domain_error
from credits.headers import add_ratelimit_headers
from deepfake.web.errors import problem_of
from deepfake.web.requests import FRAGMENT_HEADER, wants_fragment

log = logging.getLogger(__name__)


def see_other(request: HttpRequest, where: str) -> HttpResponse:
    """Lead on; the page's script is told where to and goes there by itself."""
    if wants_fragment(request):
        return HttpResponse(status=201, headers={"Location": where, FRAGMENT_HEADER: "made"})
    return HttpResponse(status=303, headers={"Location": where})


def refused(request: HttpRequest, error: Exception, page: Callable[[Problem], HttpResponse]) -> HttpResponse:
    """Say what is wrong: the message alone for the page's script, within a page for everybody else.

    Args:
        page: renders it.
    """
    domain_error = as_domain_error(error)
    if isinstance(domain_error, InternalFault) or (
        domain_error is not error and isinstance(domain_error, Unavailable)
    ):
        log.error("unhandled error at %s", request.path, exc_info=error)
    problem = problem_of(domain_error)
    if wants_fragment(request):
        response = render(request, "deepfake/_problem.html", {"problem": problem}, status=problem.status)
        response[FRAGMENT_HEADER] = "problem"
    else:
        response = page(problem)
    if problem.retry_after_s is not None:
        response["Retry-After"] = str(problem.retry_after_s)
    if "snapshot" in domain_error.data:
        add_ratelimit_headers(response, domain_error.data["snapshot"])
    return response
