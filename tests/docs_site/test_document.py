"""``/openapi.json`` is valid, is what the code says, and has every public address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.admindocs.views import simplify_regex
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from openapi_spec_validator import validate

from core.surfaces import SurfaceView
from docs_site import document as documents
from docs_site.document import DOCUMENT, document
from docs_site.generation.writing import written
from docs_site.management.commands import openapi_write
from tests.contracts.docs.schemas import faults

#: Methods that are no part of any contract: the payment provider's own address, and what older clients may send.
NOT_PUBLIC = {("POST", "/api/payments/stripe/webhook"), ("POST", "/api/me")}
#: Answers "not found" to whatever lies below an API's addresses.
CATCH_ALL = "NothingHere"
_CONVERTER = re.compile(r"<(?:\w+:)?(\w+)>")


def addresses(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Method and path of everything that an API view answers, off the URL conf itself."""
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, route)
            continue
        view = getattr(pattern.callback, "cls", None)
        if view is not None and issubclass(view, SurfaceView) and view.__name__ != CATCH_ALL:
            path = _CONVERTER.sub(r"{\1}", simplify_regex(route).replace("\\.", "."))
            for method in view(**pattern.callback.view_initkwargs).allowed_methods:
                if method not in ("OPTIONS", "HEAD"):
                    yield method, path


def documented() -> set[tuple[str, str]]:
    return {(method.upper(), path) for path, methods in document()["paths"].items() for method in methods}


def test_document_is_valid_openapi_3_1() -> None:
    assert document()["openapi"] == "3.1.0"
    validate(document())


def test_document_is_what_the_code_says() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == written(), "run make openapi"


def test_every_public_address_is_documented_and_every_documented_one_is_there() -> None:
    found = set(addresses(get_resolver().url_patterns))
    assert len(found) > 40
    assert found >= NOT_PUBLIC
    assert documented() == found - NOT_PUBLIC


def test_every_operation_says_what_it_is() -> None:
    names = []
    for methods in document()["paths"].values():
        for operation in methods.values():
            names.append(operation["operationId"])
            assert operation["summary"]
            assert operation["tags"][0] in [tag["name"] for tag in document()["tags"]]
            assert {"500", "503"} <= set(operation["responses"])
    assert len(names) == len(set(names))


def test_parameters_of_a_path_are_those_of_its_address() -> None:
    for path, methods in document()["paths"].items():
        in_address = {part[1:-1] for part in path.split("/") if part.startswith("{")}
        for operation in methods.values():
            told = {each["name"] for each in operation.get("parameters", []) if each["in"] == "path"}
            assert told == in_address, path


def test_every_example_is_as_its_schema_says() -> None:
    seen = 0
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            for status, answer in operation["responses"].items():
                content = answer.get("content", {}).get("application/json", {})
                examples = [each["value"] for each in content.get("examples", {}).values()]
                examples += [content["example"]] if "example" in content else []
                for example in examples:
                    seen += 1
                    assert faults(example, content["schema"]) == [], (method, path, status)
    assert seen > 300


def test_a_fault_of_an_example_would_be_found() -> None:
    schema = {"$ref": "#/components/schemas/SceneError"}
    assert faults({"error": "No.", "code": "NO"}, schema) == []
    assert faults({"error": "No."}, schema)
    assert faults({"error": "No.", "code": "NO", "other": 1}, schema)


def test_document_is_served_with_a_tag_to_scripts_of_any_site(client: Client) -> None:
    first = client.get("/openapi.json")
    assert (first.status_code, first["Content-Type"]) == (200, "application/json")
    assert first["Access-Control-Allow-Origin"] == "*"
    assert first.content.decode() == DOCUMENT.read_text(encoding="utf-8")
    again = client.get("/openapi.json", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.post("/openapi.json").status_code == 405


@pytest.fixture
def old_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "openapi.json"
    path.write_text("{}\n")
    monkeypatch.setattr(openapi_write, "DOCUMENT", path)
    monkeypatch.setattr(documents, "DOCUMENT", path)
    return path


def test_command_finds_drift_and_mends_it(old_document: Path) -> None:
    with pytest.raises(CommandError, match="make openapi"):
        call_command("openapi_write", "--check")
    assert old_document.read_text() == "{}\n"
    call_command("openapi_write", "--dry-run", stdout=StringIO())
    assert old_document.read_text() == "{}\n"
    call_command("openapi_write", stdout=StringIO())
    assert old_document.read_text(encoding="utf-8") == written()
    call_command("openapi_write", "--check", stdout=StringIO())
