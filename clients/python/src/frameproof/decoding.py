"""JSON made into frozen dataclasses, by their annotations.

A field is called on the wire as it is called here, or as its metadata ``wire`` says; fields that a model does not know
are passed over, so that a newer server can be asked by an older client.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from frameproof.errors import UnexpectedAnswer

Model = TypeVar("Model")


def wire(name: str) -> dict[str, str]:
    """The metadata of a field that is called otherwise on the wire."""
    return {"wire": name}


@cache
def wire_names(kind: type) -> dict[str, str]:
    """Names on the wire of a model's fields; those that do not come from the body have none."""
    return {
        field.name: field.metadata.get("wire", field.name)
        for field in dataclasses.fields(kind)
        if not field.metadata.get("added")
    }


@cache
def hints_of(kind: type) -> dict[str, Any]:
    """Types of a model's fields."""
    return get_type_hints(kind)


def decode(kind: type[Model], body: Any) -> Model:
    """Make a model of a JSON object.

    Raises:
        UnexpectedAnswer: a field without a default is missing, or one has another type.
    """
    if not isinstance(body, Mapping):
        raise UnexpectedAnswer(f"{kind.__name__}: not an object")
    model: Any = kind
    hints, values = hints_of(model), {}
    for name, on_wire in wire_names(model).items():
        if on_wire in body:
            values[name] = _value(hints[name], body[on_wire], f"{kind.__name__}.{name}")
    try:
        return kind(**values)
    except TypeError as error:
        raise UnexpectedAnswer(f"{kind.__name__}: {error}") from None


def _value(hint: Any, value: Any, where: str) -> Any:
    origin = get_origin(hint)
    if hint is Any:
        return value
    if origin in (Union, types.UnionType):
        return _one_of(get_args(hint), value, where)
    if origin is tuple:
        (item, _ellipsis) = get_args(hint)
        if not isinstance(value, list):
            raise UnexpectedAnswer(f"{where}: not a list")
        return tuple(_value(item, each, where) for each in value)
    if origin is dict:
        if not isinstance(value, dict):
            raise UnexpectedAnswer(f"{where}: not an object")
        return {key: _value(get_args(hint)[1], each, where) for key, each in value.items()}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return decode(hint, value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise UnexpectedAnswer(f"{where}: {type(value).__name__}, where {hint.__name__} is expected")
    return value


def _one_of(hints: tuple[Any, ...], value: Any, where: str) -> Any:
    for hint in hints:
        if hint is types.NoneType:
            if value is None:
                return None
            continue
        try:
            return _value(hint, value, where)
        except UnexpectedAnswer:
            continue
    raise UnexpectedAnswer(f"{where}: {type(value).__name__} is not expected")
