"""Examples are put together from the examples of the parts."""

import pytest

from rest.openapi_examples import sample

PARTS = {"Name": {"type": "string", "examples": ["Ada", "Bob"]}}


def test_an_object_is_made_of_its_parts() -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"$ref": "#/components/schemas/Name"},
            "friends": {"type": "array", "items": {"$ref": "#/components/schemas/Name"}},
            "boss": {"anyOf": [{"$ref": "#/components/schemas/Name"}, {"type": "null"}]},
        },
    }

    assert sample(schema, PARTS) == {"name": "Ada", "friends": ["Ada"], "boss": "Ada"}


def test_a_part_without_an_example_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no example"):
        sample({"type": "object", "properties": {"size": {"type": "integer"}}}, {})
