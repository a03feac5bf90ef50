"""JSON Schemas as rows of a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Translate = Callable[[str], str]
Schemas = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """A field or a parameter.

    Attributes:
        name: with the fields that it is in, as ``candidates[].title``.
        where: ``path``, ``query``, ``header`` or ``body``.
        kind: its type, as ``string | null``.
        values: what it may be, where that is a list.
    """

    name: str
    where: str
    kind: str
    description: str
    is_required: bool
    values: list[str]
    default: str

    @property
    def is_file(self) -> bool:
        return self.kind in ("file", "base64")


def parameter_fields(parameters: list[dict[str, Any]], translate: Translate) -> list[Field]:
    """The rows of parameters."""
    return [
        _field(
            each["name"],
            each["in"],
            each["schema"],
            translate(each["description"]),
            is_required=each["required"],
        )
        for each in parameters
    ]


def body_fields(schema: Any, schemas: Schemas, translate: Translate) -> list[Field]:
    """The rows of a body that is sent."""
    return list(_rows(schema, schemas, translate, "", "body"))


def schema_fields(schema: Any, schemas: Schemas, translate: Translate) -> list[Field]:
    """The rows of a body that is answered."""
    return list(_rows(schema, schemas, translate, "", "body"))


def _rows(
    schema: Any, schemas: Schemas, translate: Translate, prefix: str, where: str, inside: tuple[str, ...] = ()
) -> Iterator[Field]:
    """The fields of an object, of the objects in a list, or of whichever of several it is."""
    for choice in _choices(schema):
        name = choice.get("$ref", "").rpartition("/")[2]
        if name in inside:
            continue
        known = (*inside, name) if name else inside
        resolved = schemas[name] if name else choice
        if resolved is not choice and "anyOf" in resolved:
            yield from _rows(resolved, schemas, translate, prefix, where, known)
            continue
        if "items" in resolved:
            yield from _rows(resolved["items"], schemas, translate, f"{prefix}[]", where, known)
        required = resolved.get("required", [])
        for field, of_field in resolved.get("properties", {}).items():
            path = f"{prefix}.{field}" if prefix else field
            description = of_field.get("description") or _first(of_field, schemas).get("description", "")
            yield _field(
                path,
                where,
                _known(of_field, schemas),
                translate(description),
                is_required=field in required,
            )
            yield from _rows(of_field, schemas, translate, path, where, known)


def _choices(schema: Any) -> list[dict[str, Any]]:
    return list(schema.get("anyOf", [schema]))


def _first(schema: dict[str, Any], schemas: Schemas) -> dict[str, Any]:
    """The schema itself, or that which it refers to."""
    choice = _choices(schema)[0]
    name = choice.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = schemas[name] if name else choice
    return found


def _known(schema: dict[str, Any], schemas: Schemas) -> dict[str, Any]:
    """The schema with its references put in place, as far as its type needs."""
    choices = [
        schemas[each["$ref"].rpartition("/")[2]] if "$ref" in each else each for each in _choices(schema)
    ]
    return choices[0] if len(choices) == 1 else {"anyOf": choices}


def _field(name: str, where: str, schema: dict[str, Any], description: str, *, is_required: bool) -> Field:
    return Field(
        name=name,
        where=where,
        kind=_kind(schema),
        description=description,
        is_required=is_required,
        values=[str(value) for value in schema.get("enum", []) if value is not None],
        default=_written(schema["default"]) if "default" in schema else "",
    )


def _kind(schema: dict[str, Any]) -> str:
    if schema.get("format") == "binary":
        return "file"
    if schema.get("contentEncoding"):
        return str(schema["contentEncoding"])
    kinds: list[str] = []
    for choice in _choices(schema):
        named = choice.get("type", "any")
        for kind in [named] if isinstance(named, str) else named:
            if kind not in kinds:
                kinds.append(kind)
    return " | ".join(kinds)


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
