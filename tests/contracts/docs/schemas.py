"""Answers held against the OpenAPI document, more strictly than it has to be: they have no field that it does not name."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from docs_site.document import document


def faults(body: Any, schema: dict[str, Any]) -> list[str]:
    """What of a body is not as a schema of the document says."""
    whole = {**_strict(schema), "components": _strict_components()}
    return [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message}"
        for error in Draft202012Validator(whole).iter_errors(body)
    ]


@cache
def _strict_components() -> dict[str, Any]:
    schemas = document()["components"]["schemas"]
    return {"schemas": {name: _strict(schema) for name, schema in schemas.items()}}


def _strict(schema: Any) -> Any:
    """The same, with every object closed that lists its fields."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _strict(value) for name, value in copy.copy(schema).items()}
    if "properties" in schema and isinstance(schema.get("type"), str):
        made.setdefault("additionalProperties", False)
    return made
