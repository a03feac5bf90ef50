"""The committed OpenAPI document, and what pages show of it, in the reader's language."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.utils.translation import gettext

from docs_site.fields import Field, body_fields, parameter_fields, schema_fields

DOCUMENT: Final = Path(__file__).resolve().parent.parent / "docs" / "openapi.json"
#: Where the document's examples send their requests; pages put the site's own address in its place.
EXAMPLE_HOST: Final = "http://127.0.0.1:8000"

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """An error as a table lists it.

    Attributes:
        code: empty in dialects without codes.
        text: the sentence that the body has, always in English.
        meaning: when it comes, in the reader's language.
    """

    status: int
    code: str
    text: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Body:
    """A body that an endpoint takes, under one or more media types."""

    media_types: list[str]
    fields: list[Field]


@dataclass(frozen=True, slots=True)
class AnswerShown:
    """An answer that is no error; ``example`` is its JSON, or empty."""

    status: str
    description: str
    media_type: str
    fields: list[Field]
    example: str


@dataclass(frozen=True, slots=True)
class Sample:
    """An example of a request."""

    label: str
    source: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A method of an address.

    Attributes:
        ways: names of the ways to say who asks; an empty one is a guest.
        try_body: the body that the form to try it sends; None where there is none.
    """

    name: str
    method: str
    path: str
    summary: str
    description: str
    ways: list[str]
    parameters: list[Field]
    bodies: list[Body]
    answers: list[AnswerShown]
    errors: list[ErrorRow]
    samples: list[Sample]
    is_own: bool
    can_try: bool

    @property
    def try_body(self) -> Body | None:
        """A form with a file where there is one, else the first body."""
        forms = (body for body in self.bodies if "multipart/form-data" in body.media_types)
        return next(forms, self.bodies[0] if self.bodies else None)


@cache
def document_text() -> str:
    """The document as its file has it."""
    return DOCUMENT.read_text(encoding="utf-8")


@cache
def document_etag() -> str:
    """The tag of the document's content."""
    return f'"{hashlib.sha256(document_text().encode()).hexdigest()[:32]}"'


@cache
def document() -> Document:
    """The document; nobody may change it."""
    read: Document = json.loads(document_text())
    return read


def operations(surface: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and operation of every endpoint of a surface."""
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            if surface in operation["tags"]:
                yield path, method, operation


def endpoints(surface: str, *, host: str) -> list[Endpoint]:
    """The endpoints of a surface, with examples that ask ``host``."""
    return [_endpoint(*found, host) for found in operations(surface)]


def error_table(surface: str) -> list[ErrorRow]:
    """All errors of a surface."""
    tag = next(tag for tag in document()["tags"] if tag["name"] == surface)
    return [
        ErrorRow(row["status"], row["code"], row["text"], translated(row["meaning"]))
        for row in tag["x-errors"]
    ]


def translated(text: str) -> str:
    """A text of the document in the reader's language."""
    # The empty text would be the catalogue's own header.
    return gettext(text) if text else ""


def code_and_text(body: Any) -> tuple[str, str]:
    """The stable name and the sentence of an error's body, in whichever dialect."""
    if isinstance(body, str):
        return "", body
    told = body["error"] if isinstance(body.get("error"), dict) else body
    return told.get("code", ""), told.get("message") or told["error"]


def _endpoint(path: str, method: str, operation: dict[str, Any], host: str) -> Endpoint:
    schemas = document()["components"]["schemas"]
    return Endpoint(
        name=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=translated(operation["summary"]),
        description=translated(operation.get("description", "")),
        ways=[next(iter(way), "") for way in operation["security"]],
        parameters=parameter_fields(operation.get("parameters", []), translated),
        bodies=_bodies(operation, schemas),
        answers=[
            _answer(status, answer, schemas, host)
            for status, answer in operation["responses"].items()
            if status < "400"
        ],
        errors=list(_errors(operation)),
        samples=[
            Sample(each["label"], each["source"].replace(EXAMPLE_HOST, host))
            for each in operation["x-codeSamples"]
        ],
        is_own=operation["x-own"],
        can_try=operation["x-try"],
    )


def _bodies(operation: dict[str, Any], schemas: dict[str, Any]) -> list[Body]:
    found: list[Body] = []
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        fields = body_fields(content["schema"], schemas, translated)
        same = next((body for body in found if body.fields == fields), None)
        if same is None:
            found.append(Body([media_type], fields))
        else:
            same.media_types.append(media_type)
    return found


def _answer(status: str, answer: dict[str, Any], schemas: dict[str, Any], host: str) -> AnswerShown:
    contents: dict[str, dict[str, Any]] = answer.get("content", {})
    media_type = next(iter(contents), "")
    content = contents.get(media_type, {})
    example = ""
    if "example" in content:
        example = json.dumps(content["example"], indent=2, ensure_ascii=False).replace(EXAMPLE_HOST, host)
    return AnswerShown(
        status=status,
        description=translated(answer["description"]),
        media_type=media_type,
        fields=schema_fields(content.get("schema", {}), schemas, translated),
        example=example,
    )


def _errors(operation: dict[str, Any]) -> Iterator[ErrorRow]:
    for status, answer in operation["responses"].items():
        if status < "400":
            continue
        for example in answer["content"]["application/json"]["examples"].values():
            code, text = code_and_text(example["value"])
            yield ErrorRow(int(status), code, text, translated(example["summary"]))
