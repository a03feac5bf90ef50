"""The words in which a surface describes itself: what its addresses take, answer and refuse.

Each surface has a module ``openapi`` in them beside its views; ``docs_site`` makes the OpenAPI document of all.
Texts are marked by ``gettext_noop``: the document is English, and the pages that are made from it are translated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from core.errors import DomainError

#: A JSON Schema (2020-12), which OpenAPI 3.1 takes as it is.
Schema = dict[str, Any]

#: Names of the ways to say who asks; "" is a guest.
GUEST, BEARER, SESSION = "", "apiKey", "session"
TOKEN, TRACE_HEADER, TRACE_QUERY = "token", "traceKey", "traceKeyInQuery"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the path, the query or the headers.

    Attributes:
        where: ``path``, ``query`` or ``header``.
    """

    name: str
    where: str
    schema: Schema
    description: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is no error.

    Attributes:
        schema: of a JSON body; None where the body is a file, or there is none.
        example: a body as the schema has it.
        media_type: empty where there is no body.
    """

    description: str
    schema: Schema | None = None
    example: Any = None
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Sample:
    """A request that works, from which the examples in every language are written.

    Attributes:
        auth: the way to say who asks that the example shows.
        json, form: the body; at most one of them.
        files: names of files by the form's fields.
        base64: names of files that fields of the form hold as base64.
    """

    auth: str = GUEST
    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    json: dict[str, Any] | None = None
    form: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    base64: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of an address.

    Attributes:
        auth: the ways to say who asks, any of which does.
        bodies: schemas of the body by its media type.
        answers: by status.
        errors: what can go wrong here in particular; every address has the surface's common errors besides.
        is_own: whether the public document of the original knows nothing of it.
        can_try: whether the page of the documentation has a form that sends it.
    """

    method: str
    path: str
    name: str
    summary: str
    answers: dict[int, Answer]
    sample: Sample
    description: str = ""
    auth: tuple[str, ...] = (GUEST,)
    parameters: tuple[Parameter, ...] = ()
    bodies: dict[str, Schema] = field(default_factory=dict)
    body_required: bool = True
    errors: tuple[type[DomainError], ...] = ()
    is_own: bool = False
    can_try: bool = True


def text(description: str = "", **more: Any) -> Schema:
    """A string."""
    return _typed("string", description, more)


def whole(description: str = "", **more: Any) -> Schema:
    """A whole number."""
    return _typed("integer", description, more)


def number(description: str = "", **more: Any) -> Schema:
    """A number."""
    return _typed("number", description, more)


def flag(description: str = "", **more: Any) -> Schema:
    """True or false."""
    return _typed("boolean", description, more)


def list_of(items: Schema, description: str = "") -> Schema:
    """An array."""
    return _typed("array", description, {"items": items})


def or_null(schema: Schema) -> Schema:
    """The same, or null."""
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    types = schema["type"]
    return {**schema, "type": [*([types] if isinstance(types, str) else types), "null"]}


def ref(name: str) -> Schema:
    """A schema of the document's components."""
    return {"$ref": f"#/components/schemas/{name}"}


def record(fields: dict[str, Schema], *, optional: Sequence[str] = (), description: str = "") -> Schema:
    """An object, all of whose fields are there but for the optional ones."""
    required = [name for name in fields if name not in optional]
    return _typed(
        "object", description, {"properties": fields} | ({"required": required} if required else {})
    )


def upload(description: str = "") -> Schema:
    """A file in a form (OpenAPI 3.1: bytes have a media type and no type)."""
    return _typed("string", description, {"contentMediaType": "application/octet-stream", "format": "binary"})


def in_path(name: str, description: str, schema: Schema | None = None) -> Parameter:
    """A part of the path."""
    return Parameter(name, "path", schema or text(), description, required=True)


def in_query(name: str, schema: Schema, description: str, *, required: bool = False) -> Parameter:
    """A parameter of the query."""
    return Parameter(name, "query", schema, description, required)


def in_header(name: str, schema: Schema, description: str) -> Parameter:
    """A header that may be sent."""
    return Parameter(name, "header", schema, description)


def _typed(kind: str, description: str, more: dict[str, Any]) -> Schema:
    return {"type": kind} | ({"description": description} if description else {}) | more
