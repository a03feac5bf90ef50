"""Pages of the documentation, and the document itself."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language, override
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_safe

from core.addresses import absolute_url
from credits.policies import Product
from docs_site.document import document_etag, document_text, endpoints, error_table, operations, translated
from docs_site.limits import limits_table
from docs_site.surfaces import SURFACES, Surface

#: The parameter of an address that names the language of its page, for links that mean one.
_LANGUAGE = "lang"
#: Seconds that anybody may use the document again without asking.
_MAX_AGE_S = 300


@cache_control(private=True, max_age=0)
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """The first page: which APIs there are, how to begin, and the limits of every tier."""
    return _page(request, "docs_site/overview.html")


@cache_control(private=True, max_age=0)
@require_safe
def surface_page(request: HttpRequest, name: str) -> HttpResponse:
    """The page of one API."""
    surface = next((each for each in SURFACES if each.name == name), None)
    if surface is None:
        raise Http404
    return _page(request, "docs_site/surface.html", surface)


@cache_control(public=True, max_age=_MAX_AGE_S)
@require_safe
@condition(etag_func=lambda request: document_etag())
def openapi_document(request: HttpRequest) -> HttpResponse:
    """``/openapi.json``, which scripts of any site may read."""
    return HttpResponse(
        document_text(),
        content_type="application/json",
        headers={"Access-Control-Allow-Origin": "*"},
    )


@cache_control(public=True, max_age=_MAX_AGE_S)
@require_safe
def llms_text(request: HttpRequest) -> HttpResponse:
    """``/llms.txt`` (llmstxt.org): what is here, for language models and their tools; in English."""
    with override("en"):
        listed = [
            (
                surface,
                [
                    {"method": method.upper(), "path": path, "summary": operation["summary"]}
                    for path, method, operation in operations(surface.name)
                ],
            )
            for surface in SURFACES
        ]
        text = render_to_string("docs_site/llms.txt", {"host": _host(request), "surfaces": listed})
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


def _page(request: HttpRequest, template: str, surface: Surface | None = None) -> HttpResponse:
    language = _language_of(request)
    with override(language):
        page: dict[str, Any] = {
            "surfaces": [_words(each) for each in SURFACES],
            "surface": _words(surface) if surface else None,
            "languages": dict(settings.LANGUAGES),
            # Links keep the language of an address; choosing another one below the page leaves it behind.
            "choice": f"?{_LANGUAGE}={language}" if _LANGUAGE in request.GET else "",
            "chosen_next": request.path,
            "host": _host(request),
            "limits": limits_table(surface.products if surface else list(Product)),
        }
        if surface:
            page |= {
                "intro": f"docs_site/intro/{surface.name}.html",
                "endpoints": endpoints(surface.name, host=_host(request)),
                "errors": error_table(surface.name),
            }
        response = render(request, template, page)
    response["Content-Language"] = language
    patch_vary_headers(response, ["Accept-Language"])
    return response


def _language_of(request: HttpRequest) -> str:
    """The language of the address, else that of the whole site."""
    named = request.GET.get(_LANGUAGE, "")
    return named if named in dict(settings.LANGUAGES) else get_language() or settings.LANGUAGE_CODE


def _words(surface: Surface) -> dict[str, Any]:
    """A surface in the reader's language."""
    return {
        "name": surface.name,
        "title": translated(surface.title),
        "original": surface.original,
        "description": translated(surface.description),
        "has_limits": bool(surface.products),
        "has_try": surface.has_try,
        "url": reverse("docs-surface", args=[surface.name]),
    }


def _host(request: HttpRequest) -> str:
    """Scheme and host of this site."""
    return absolute_url(request, "/").removesuffix("/")
