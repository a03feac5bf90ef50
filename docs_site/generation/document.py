"""The OpenAPI document of every surface: addresses from the URL conf, the rest from the surfaces' own descriptions."""

from __future__ import annotations

import tomllib
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.settings import patched_settings

from core.errors import DomainError, Unavailable
from core.openapi import BEARER, SESSION, TOKEN, TRACE_HEADER, TRACE_QUERY, Answer, Operation, Schema, ref
from docs_site.generation.error_examples import ErrorExample, error_examples
from docs_site.generation.meanings import MEANINGS
from docs_site.generation.samples import samples_of
from docs_site.generation.sections import SECTIONS, Section
from docs_site.surfaces import SURFACES, Surface

#: What can happen at every address.
_EVERYWHERE: Final[tuple[type[DomainError], ...]] = (Unavailable, DomainError)
_TITLE: Final = "Frameproof"
_DESCRIPTION: Final = (
    "Find the anime, the episode and the second that a screenshot is from, and whether a video is real or made by an "
    "AI. The addresses are those of whatanimeisthis.com, of both trace.moe APIs and of aividect.com, so that a program "
    "written for one of them needs another host name and nothing else."
)


def build_document() -> dict[str, Any]:
    """The document, as plain dicts and lists.

    Raises:
        LookupError: an operation is described that the URL conf does not have.
    """
    with patched_settings(
        {
            "TITLE": _TITLE,
            "DESCRIPTION": _DESCRIPTION,
            "VERSION": _version(),
            "OAS_VERSION": "3.1.0",
            "LICENSE": {"name": "MIT", "identifier": "MIT"},
            "SERVERS": [{"url": "/", "description": "The host that this document comes from"}],
            "TAGS": [_tag(surface) for surface in SURFACES],
            "APPEND_COMPONENTS": {"schemas": _schemas(), "securitySchemes": _security_schemes()},
            "SORT_OPERATIONS": False,
            "POSTPROCESSING_HOOKS": [],
        }
    ):
        document: dict[str, Any] = _Generator().get_schema(public=True)
    missing = [
        f"{operation.method} {operation.path}"
        for section in SECTIONS
        for operation in section.operations
        if operation.method not in document["paths"].get(operation.path, {})
    ]
    if missing:
        raise LookupError(f"not in the URL conf: {', '.join(missing)}")
    # In the order of their descriptions, which is the one to read them in.
    paths: dict[str, dict[str, Any]] = {}
    for method, path in _DESCRIBED:
        paths.setdefault(path, {})[method] = document["paths"][path][method]
    document["paths"] = paths
    return document


class _DescribedSchema(AutoSchema):
    """Tells REST framework's view by the surface's own description; one that has none is left out."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any
    ) -> dict[str, Any] | None:
        found = _DESCRIBED.get((method.lower(), path))
        return None if found is None else _operation(*found)


class _Generator(SchemaGenerator):
    """Gives every view a :class:`_DescribedSchema`."""

    def create_view(self, callback: Any, method: str, request: Any = None) -> Any:
        view = super().create_view(callback, method, request)
        self._set_schema_to_view(view, _DescribedSchema())
        return view


_DESCRIBED: Final[dict[tuple[str, str], tuple[Section, Operation]]] = {
    (operation.method, operation.path): (section, operation)
    for section in SECTIONS
    for operation in section.operations
}


def _operation(section: Section, operation: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {"operationId": operation.name, "summary": operation.summary}
    if operation.description:
        told["description"] = operation.description
    told["tags"] = [section.surface]
    if operation.parameters:
        told["parameters"] = [
            {
                "name": each.name,
                "in": each.where,
                "description": each.description,
                "required": each.required,
                "schema": each.schema,
            }
            for each in operation.parameters
        ]
    if operation.bodies:
        told["requestBody"] = {
            "required": operation.body_required,
            "content": {media_type: {"schema": schema} for media_type, schema in operation.bodies.items()},
        }
    told["security"] = [{name: []} if name else {} for name in operation.auth]
    told["responses"] = {
        str(status): _answer(each) for status, each in operation.answers.items()
    } | _refusals(section, operation)
    told["x-codeSamples"] = samples_of(operation)
    told["x-own"] = operation.is_own
    told["x-try"] = operation.can_try
    return told


def _answer(answer: Answer) -> dict[str, Any]:
    told: dict[str, Any] = {"description": answer.description}
    if answer.media_type == "application/json":
        told["content"] = {answer.media_type: {"schema": answer.schema, "example": answer.example}}
    elif answer.media_type:
        told["content"] = {answer.media_type: {"schema": {}}}
    return told


def _refusals(section: Section, operation: Operation) -> dict[str, Any]:
    """The errors of an operation by status, each as an example of the dialect's one shape."""
    by_status: dict[int, dict[str, Any]] = {}
    for kind in (*operation.errors, *_EVERYWHERE):
        for error in error_examples(section.table, kind):
            by_status.setdefault(error.status, {})[error.name] = {
                "summary": MEANINGS[kind],
                "value": error.body,
            }
    return {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "content": {"application/json": {"schema": ref(section.error_schema), "examples": examples}},
        }
        for status, examples in sorted(by_status.items())
    }


def _tag(surface: Surface) -> dict[str, Any]:
    """A surface with the whole of its error tables."""
    rows: dict[tuple[int, str, str], dict[str, Any]] = {}
    for section in SECTIONS:
        if section.surface == surface.name:
            for kind in section.table:
                for error in error_examples(section.table, kind):
                    rows.setdefault((error.status, error.code, error.text), _error_row(error, MEANINGS[kind]))
    return {
        "name": surface.name,
        "description": surface.description,
        "x-displayName": surface.title,
        "x-errors": sorted(rows.values(), key=lambda row: (row["status"], row["code"], row["text"])),
    }


def _error_row(error: ErrorExample, meaning: str) -> dict[str, Any]:
    return {
        "name": error.name,
        "status": error.status,
        "code": error.code,
        "text": error.text,
        "meaning": meaning,
    }


def _schemas() -> dict[str, Schema]:
    found: dict[str, Schema] = {}
    for section in SECTIONS:
        twice = found.keys() & section.schemas.keys()
        if twice:
            raise ValueError(f"two schemas have the name {', '.join(sorted(twice))}")
        found |= section.schemas
    return found


def _security_schemes() -> dict[str, Any]:
    return {
        BEARER: {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key, as Authorization: Bearer ak_…",
        },
        SESSION: {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "The cookie that signing in has set.",
        },
        TOKEN: {"type": "apiKey", "in": "query", "name": "token", "description": "An API key."},
        TRACE_HEADER: {"type": "apiKey", "in": "header", "name": "x-trace-key", "description": "An API key."},
        TRACE_QUERY: {"type": "apiKey", "in": "query", "name": "key", "description": "An API key."},
    }


def _version() -> str:
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])
