"""How the pages answer a form: by leading on, or by saying what is wrong."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core.pages import Problem
from credits.problems import answer_error
from deepfake.web.errors import PROBLEMS
from deepfake.web.requests import FRAGMENT_HEADER, wants_fragment


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

    def message_alone(problem: Problem) -> HttpResponse:
        response = render(request, "deepfake/_problem.html", {"problem": problem}, status=problem.status)
        response[FRAGMENT_HEADER] = "problem"
        return response

    return answer_error(request, error, PROBLEMS, message_alone if wants_fragment(request) else page)
