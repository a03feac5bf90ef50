"""The tables of errors are the dialects' own, and have what the public documents have."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client

from anime_search.errors import ImageFetchFailed
from core.errors import DomainError
from core.surfaces import entry_of, render_error
from docs_site.document import document, error_table, operations
from docs_site.generation.sections import SECTIONS, Section
from docs_site.surfaces import SURFACES
from tests.contracts.test_error_tables import example_of

pytestmark = pytest.mark.django_db

#: The error table of the aividect document.
AIVIDECT = {
    (400, "INVALID_REQUEST"), (400, "MISSING_URL"), (400, "DOWNLOAD_FAILED"), (401, "MISSING_AUTH"),
    (401, "INVALID_KEY"), (401, "KEY_REVOKED"), (402, "INSUFFICIENT_CREDITS"), (429, "RATE_LIMIT_EXCEEDED"),
    (500, "INTERNAL_ERROR"),
}  # fmt: skip


def plain(text: str) -> str:
    """A sentence without the address that it is about, which differs from example to example."""
    return re.sub(r"https://\S+", "…", text)


def rows_of(surface: str) -> set[tuple[int, str, str]]:
    return {(row.status, row.code, plain(row.text)) for row in error_table(surface)}


def told(section: Section, kind: type[DomainError], **facts: Any) -> tuple[int, str, str]:
    """Status, code and sentence that a dialect really answers with."""
    error = example_of(kind)
    error.data.update(facts)
    response = render_error(section.table, error)
    body = json.loads(response.content)
    if isinstance(body, str):
        return response.status_code, "", plain(body)
    inner = body["error"] if isinstance(body.get("error"), dict) else body
    return response.status_code, inner.get("code", ""), plain(inner.get("message") or inner["error"])


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.operations[0].path)
def test_table_has_every_error_of_its_dialect(section: Section) -> None:
    for kind in section.table:
        assert told(section, kind) in rows_of(section.surface), kind


def test_table_tells_an_address_that_is_none_from_one_that_does_not_answer() -> None:
    texts = {text for _, _, text in rows_of("tracemoe")}
    assert {"Invalid image url …", "Failed to fetch image …"} <= texts


@pytest.mark.parametrize("surface", [surface.name for surface in SURFACES])
def test_table_has_no_error_that_its_dialects_do_not_know(surface: str) -> None:
    known = {
        told(section, kind) for section in SECTIONS if section.surface == surface for kind in section.table
    }
    known |= {
        told(section, ImageFetchFailed, is_address=False)
        for section in SECTIONS
        if section.surface == surface and ImageFetchFailed in section.table
    }
    assert rows_of(surface) <= known


@pytest.mark.parametrize("surface", [surface.name for surface in SURFACES])
def test_page_shows_the_whole_table(surface: str, client: Client) -> None:
    page = client.get(f"/docs/{surface}").content.decode()
    table = page[page.index('id="errors"') :]
    for row in error_table(surface):
        assert f"<td>{row.status}</td>" in table
        assert f"<code>{row.code}</code>" in table or not row.code
        assert row.text.replace("'", "&#x27;") in table
    assert table.count("<tr><td>") == len(error_table(surface))


def test_table_of_the_aividect_document_is_all_there() -> None:
    assert {(row.status, row.code) for row in error_table("aividect")} >= AIVIDECT


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.operations[0].path)
def test_endpoints_name_errors_that_their_dialect_has_words_for(section: Section) -> None:
    for operation in section.operations:
        for kind in operation.errors:
            assert entry_of(section.table, example_of(kind)) is not DomainError, (operation.name, kind)


def test_endpoints_document_the_statuses_of_their_errors() -> None:
    for section in SECTIONS:
        for operation in section.operations:
            responses = document()["paths"][operation.path][operation.method]["responses"]
            for kind in operation.errors:
                assert str(told(section, kind)[0]) in responses, (operation.name, kind)


def test_every_error_that_a_dialect_has_words_for_is_named_by_an_endpoint() -> None:
    everywhere = {"RouteNotFound", "MethodNotAllowed", "Unavailable", "DomainError"}
    for surface in SURFACES:
        named = {
            entry.__name__
            for section in SECTIONS
            if section.surface == surface.name
            for operation in section.operations
            for kind in operation.errors
            for entry in kind.__mro__
        }
        for section in SECTIONS:
            if section.surface == surface.name:
                missing = {kind.__name__ for kind in section.table} - named - everywhere
                assert not missing, (surface.name, missing)


def test_operations_belong_to_one_surface_each() -> None:
    counted = sum(len(list(operations(surface.name))) for surface in SURFACES)
    assert counted == sum(len(methods) for methods in document()["paths"].values())
