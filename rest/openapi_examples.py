"""An example of what a JSON schema describes, put together from the examples of its parts."""

from collections.abc import Mapping
from typing import Any


def build_example(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Any:  # noqa: ANN401 - whatever it describes
    """Return a value that the schema allows; `components` has what it refers to, by the last word of the reference."""
    if "examples" in schema:
        return schema["examples"][0]
    if "$ref" in schema:
        return build_example(components[schema["$ref"].rpartition("/")[2]], components)
    if "anyOf" in schema:
        return build_example(schema["anyOf"][0], components)
    match schema.get("type"):
        case "object":
            return {name: build_example(part, components) for name, part in schema.get("properties", {}).items()}
        case "array":
            return [build_example(schema["items"], components)]
    raise ValueError(f"no example in {schema}")
