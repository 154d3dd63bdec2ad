"""Examples are put together from the examples of the parts."""

import pytest

from rest.openapi_examples import build_example

PARTS = {"Name": {"type": "string", "examples": ["Ada", "Bob"]}}


def test_builds_object_from_examples_of_its_parts() -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"$ref": "#/components/schemas/Name"},
            "friends": {"type": "array", "items": {"$ref": "#/components/schemas/Name"}},
            "boss": {"anyOf": [{"$ref": "#/components/schemas/Name"}, {"type": "null"}]},
        },
    }

    assert build_example(schema, PARTS) == {"name": "Ada", "friends": ["Ada"], "boss": "Ada"}


def test_raises_for_part_without_example() -> None:
    with pytest.raises(ValueError, match="no example"):
        build_example({"type": "object", "properties": {"size": {"type": "integer"}}}, {})
