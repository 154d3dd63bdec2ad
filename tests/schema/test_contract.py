"""The contract as a whole: committed, described to the last word, and complete in its codes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLObjectType,
    build_client_schema,
    build_schema,
    find_breaking_changes,
    get_introspection_query,
    is_introspection_type,
    is_specified_scalar_type,
)

import errors
from graphql_server.executable_schema import format_sdl
from tests.support.graphql_client import GraphQL

COMMITTED = Path(__file__).parents[2] / "schema.graphql"
SCHEMA = build_schema(format_sdl())


def coordinates() -> Iterator[tuple[str, str | None]]:
    """Yield all that can have a description, with the one that it has."""
    for name, found in SCHEMA.type_map.items():
        if is_introspection_type(found) or is_specified_scalar_type(found):
            continue
        yield name, found.description
        members: dict[str, Any] = found.values if isinstance(found, GraphQLEnumType) else getattr(found, "fields", {})
        for member, facts in members.items():
            yield f"{name}.{member}", facts.description
            for argument, given in getattr(facts, "args", {}).items():
                yield f"{name}.{member}({argument}:)", given.description


def test_committed_schema_is_served_schema() -> None:
    assert COMMITTED.read_text() == format_sdl()


def test_every_type_field_and_argument_has_description() -> None:
    found = dict(coordinates())
    assert {"Movie", "Movie.title", "Movie.places(first:)", "MovieSort.NEW", "MovieFilter.search"} <= found.keys()
    assert [name for name, description in found.items() if not description] == []


def test_no_description_has_placeholders() -> None:
    codes = SCHEMA.type_map["ErrorCode"]
    assert isinstance(codes, GraphQLEnumType)
    gaps = [name for name, value in codes.values.items() if set(value.description or "") & set("{}")]
    assert gaps == []


async def test_introspection_has_whole_schema(graphql: GraphQL) -> None:
    query = get_introspection_query(specified_by_url=True, input_value_deprecation=True)
    told = build_client_schema((await graphql(query)).data)
    assert find_breaking_changes(SCHEMA, told) == find_breaking_changes(told, SCHEMA) == []


def test_every_refusal_has_error_code() -> None:
    codes = SCHEMA.type_map["ErrorCode"]
    assert isinstance(codes, GraphQLEnumType)
    assert list(codes.values) == [leaf.code for leaf in errors.list_leaves()]


def test_every_connection_has_its_four_fields() -> None:
    for name, found in SCHEMA.type_map.items():
        if name.endswith("Connection") and isinstance(found, GraphQLObjectType):
            fields = {field: str(facts.type) for field, facts in found.fields.items()}
            item = name.removesuffix("Connection")
            assert fields == {
                "edges": f"[{item}Edge!]!",
                "nodes": f"[{item}!]!",
                "pageInfo": "PageInfo!",
                "totalCount": "Int!",
            }
