"""Our client's models and errors against the server: its tables, its answers, and its OpenAPI file."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import frameproof
import httpx
import pytest
from frameproof import models
from frameproof.decoding import hints_of, wire_names
from frameproof.errors import BY_CODE

from anime_search.api.whatanime.errors import ERRORS as WHATANIME
from core.errors import DomainError
from core.surfaces import ErrorTable, entry_of, render_error
from deepfake.api.aividect.errors import ERRORS as AIVIDECT
from rankings.api.errors import ERRORS as RANKINGS
from tests.contracts.client.conftest import Service
from tests.contracts.test_error_tables import all_subclasses, example_of

OPENAPI = Path(__file__).resolve().parents[3] / "docs" / "openapi.json"

#: Fields of answers that say nothing, or that are read under another name.
PASSED_OVER = {"success", "analysis_id"}


#: What only commands, covers and payments can come to.
UNSERVED = ("credits.payments.errors", "anime_search.metadata")
#: Whose errors requests of these dialects can come to.
SERVED = {"core", "accounts", "apikeys", "credits", "anime_search", "deepfake", "rankings"}


def codes_of(table: ErrorTable) -> Iterator[str]:
    """Every code that a dialect can tell of an error that has an entry of its own."""
    for kind in all_subclasses(DomainError):
        if kind.__module__.partition(".")[0] not in SERVED or kind.__module__.startswith(UNSERVED):
            continue
        entry = next((each for each in kind.__mro__ if each in table), None)
        if entry in (None, DomainError):
            continue
        assert entry_of(table, example_of(kind)) is entry
        error = json.loads(render_error(table, example_of(kind)).content)
        told = error["error"] if isinstance(error["error"], dict) else error
        yield told["code"]


@pytest.mark.parametrize("table", [WHATANIME, AIVIDECT, RANKINGS], ids=["whatanime", "aividect", "rankings"])
def test_every_code_of_the_server_has_an_error(table: ErrorTable) -> None:
    codes = set(codes_of(table))
    assert "INTERNAL_ERROR" in codes or "DOWNLOAD_FAILED" in codes
    assert sorted(codes - set(BY_CODE)) == []


def models_in(hint: Any) -> Iterator[type]:
    """Models that an annotation names."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        yield hint
    for each in get_args(hint):
        yield from models_in(each)


def unknown_in(model: type, body: dict[str, Any], where: str = "") -> Iterator[str]:
    """Fields of an answer that a model leaves out."""
    names, hints = wire_names(model), hints_of(model)
    known = {on_wire: name for name, on_wire in names.items()}
    for on_wire, value in body.items():
        if on_wire in PASSED_OVER:
            continue
        if on_wire not in known:
            yield f"{where}{model.__name__}.{on_wire}"
            continue
        for inner in models_in(hints[known[on_wire]]):
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, dict):
                    yield from unknown_in(inner, item, f"{where}{model.__name__}.")


def test_models_know_every_field_of_real_answers(service: Service) -> None:
    key = service.key()
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=service.site.url, headers=headers, timeout=120) as http:

        def answer(method: str, path: str, **options: Any) -> dict[str, Any]:
            response = http.request(method, path, **options)
            assert response.status_code < 300, response.text
            body: dict[str, Any] = response.json()
            return body

        def video() -> dict[str, bytes]:
            return {"file": service.video.read_bytes()}

        judged = answer("POST", "/api/v1/analyze", files=video())
        begun = answer("POST", "/api/v1/analyze", files=video(), headers={"Prefer": "respond-async"})
        answers = [
            (models.SearchResult, answer("POST", "/api/anime/search", files={"image": service.picture.read_bytes()})),
            (models.SearchResult, answer("POST", "/api/anime/search", files={"image": service.video.read_bytes()})),
            (models.Analysis, judged),
            (models.Analysis, begun),
            (models.Analysis, answer("GET", f"/api/v1/analysis/{begun['analysis_id']}")["analysis"]),
            (models.Analysis, answer("GET", f"/api/v1/analysis/{judged['analysis_id']}")["analysis"]),
            (models.AnalysisPage, answer("GET", "/api/v1/analyses")),
            (models.Account, answer("GET", "/api/v1/me")),
            (models.Usage, answer("GET", "/api/v1/usage")),
            (models.Ranking, answer("GET", "/api/anime/rankings")),
            (models.RecentSearches, answer("GET", "/api/anime/recent-searches")),
        ]  # fmt: skip
    assert [name for model, body in answers for name in unknown_in(model, body)] == []


#: Where the documented answers of each model are.
DOCUMENTED = [
    (models.SearchResult, "/api/anime/search", "post", ()),
    (models.Analysis, "/api/v1/analyze", "post", ()),
    (models.Analysis, "/api/v1/analysis/{id}", "get", ("analysis",)),
    (models.AnalysisPage, "/api/v1/analyses", "get", ()),
    (models.Account, "/api/v1/me", "get", ()),
    (models.Usage, "/api/v1/usage", "get", ()),
    (models.Ranking, "/api/anime/rankings", "get", ()),
    (models.RecentSearches, "/api/anime/recent-searches", "get", ()),
]


class OpenApi:
    """The documented fields, with references and alternatives followed."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            node: Any = self.document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                node = node[part]
            schema = node
        return schema

    def objects(self, schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Properties of every object that a schema allows, those of a list's items among them."""
        schema = self.resolved(schema)
        if "properties" in schema:
            yield schema["properties"]
        if "items" in schema:
            yield from self.objects(schema["items"])
        for word in ("allOf", "anyOf", "oneOf"):
            for each in schema.get(word, ()):
                yield from self.objects(each)

    def fields(self, schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
        return {name: value for each in self.objects(schema) for name, value in each.items()}

    def answer(self, path: str, method: str) -> dict[str, Any]:
        """The schema of an operation's answer; names of the path's parameters may differ."""
        wanted = path.replace("{id}", "{}")
        (item,) = [
            item
            for known, item in self.document["paths"].items()
            if "{}".join(part.partition("}")[2] if n else part for n, part in enumerate(known.split("{")))
            == wanted
        ]
        schema: dict[str, Any] = item[method]["responses"]["200"]["content"]["application/json"]["schema"]
        return schema

    def differences(self, model: type, schema: dict[str, Any]) -> Iterator[str]:
        """What is documented and not in a model, and what a model has to have and is not documented."""
        documented, names, hints = self.fields(schema), wire_names(model), hints_of(model)
        known = {on_wire: name for name, on_wire in names.items()}
        yield from (
            f"{model.__name__} lacks {name}" for name in documented.keys() - known.keys() - PASSED_OVER
        )
        required = {
            names[field.name]
            for field in dataclasses.fields(model)
            if field.name in names
            and field.default is dataclasses.MISSING
            and field.default_factory is dataclasses.MISSING
        }
        if "analysis_id" in documented:
            required.discard("id")
        yield from (f"{model.__name__}.{name} is not documented" for name in required - documented.keys())
        for on_wire in documented.keys() & known.keys():
            for inner in models_in(hints[known[on_wire]]):
                if self.fields(documented[on_wire]):
                    yield from self.differences(inner, documented[on_wire])


@pytest.mark.parametrize(
    ("model", "path", "method", "inside"), DOCUMENTED, ids=[path for _, path, _, _ in DOCUMENTED]
)
def test_models_are_as_the_openapi_file_has_them(
    model: type, path: str, method: str, inside: tuple[str, ...]
) -> None:
    if not OPENAPI.exists():
        pytest.skip("there is no docs/openapi.json")
    openapi = OpenApi(json.loads(OPENAPI.read_text(encoding="utf-8")))
    schema = openapi.answer(path, method)
    for name in inside:
        schema = openapi.fields(schema)[name]
    assert sorted(openapi.differences(model, schema)) == []


def test_the_check_of_the_openapi_file_finds_differences() -> None:
    schema = {"$ref": "#/components/schemas/Ranking"}
    title = {"properties": {"rank": {}, "count": {}, "title": {}, "surprise": {}}}
    document = {
        "components": {
            "schemas": {
                "Ranking": {
                    "allOf": [
                        {"properties": {"period": {}, "rankings": {"type": "array", "items": title}}},
                        {"properties": {"firstDay": {}, "lastDay": {}}},
                    ]
                }
            }
        },
        "paths": {
            "/x/{name}": {
                "get": {"responses": {"200": {"content": {"application/json": {"schema": schema}}}}}
            }
        },
    }
    openapi = OpenApi(document)
    assert openapi.answer("/x/{id}", "get") == schema
    assert sorted(openapi.differences(models.Ranking, schema)) == [
        "RankedTitle lacks surprise",
        "RankedTitle.anilistId is not documented",
    ]


def test_package_offers_what_it_names() -> None:
    assert sorted(frameproof.__all__) == frameproof.__all__
    assert all(hasattr(frameproof, name) for name in frameproof.__all__)
