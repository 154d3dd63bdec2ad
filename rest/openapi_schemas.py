"""JSON schemas as generators of clients read them best: without titles of fields, and with null as a type."""

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]
NULL = {"type": "null"}
# What holds other schemas by name, and in a list.
BY_NAME = ("properties", "$defs")
IN_LIST = ("anyOf", "allOf", "oneOf")


def simplify_component(schema: Mapping[str, Any]) -> Schema:
    """Return a component's schema, which keeps its title: generators name a type after it."""
    title = {"title": schema["title"]} if "title" in schema else {}
    return simplify_schema(schema) | title


def simplify_schema(schema: Mapping[str, Any]) -> Schema:
    """Return a schema without titles; a scalar or null is one schema of two types, and no union without a name."""
    found: Schema = {name: value for name, value in schema.items() if name != "title"}
    for name in BY_NAME:
        if name in found:
            found[name] = {each: simplify_schema(part) for each, part in found[name].items()}
    for name in ("items", "additionalProperties"):
        if isinstance(found.get(name), dict):
            found[name] = simplify_schema(found[name])
    for name in IN_LIST:
        if name in found:
            found[name] = [simplify_schema(part) for part in found[name]]
    return merge_null(found)


def merge_null(schema: Schema) -> Schema:
    """Return `anyOf` of a scalar and null as one schema."""
    choices = schema.get("anyOf", [])
    others = [each for each in choices if each != NULL]
    if len(others) == len(choices) or len(others) != 1 or not isinstance(others[0].get("type"), str):
        return schema
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    merged: Schema = others[0] | {"type": [others[0]["type"], "null"]} | rest
    return merged
