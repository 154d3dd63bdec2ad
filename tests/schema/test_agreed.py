"""What is served holds all of the agreed contract that concerns the cinema, events and the counter, to the last default value."""

from collections.abc import Iterator
from pathlib import Path

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    find_breaking_changes,
    is_introspection_type,
    print_ast,
)

from graphql_server.executable_schema import format_sdl

AGREED = build_schema((Path(__file__).parent / "agreed.graphql").read_text())
SERVED = build_schema(format_sdl())


def facts(schema: GraphQLSchema) -> set[str]:
    """Return all that a client can build on, as sentences."""
    return {
        f"{kind(found)} {fact}"
        for found in schema.type_map.values()
        if not is_introspection_type(found)
        for fact in facts_of(found)
    }


def kind(found: GraphQLNamedType) -> str:
    """Return what sort of type it is."""
    return type(found).__name__.removeprefix("GraphQL").removesuffix("Type")


def facts_of(found: GraphQLNamedType) -> Iterator[str]:
    """Yield what there is to know of a type."""
    yield found.name
    if isinstance(found, GraphQLEnumType):
        yield from (f"{found.name}.{value}" for value in found.values)
    if isinstance(found, GraphQLInputObjectType):
        yield f"{found.name} oneOf={found.is_one_of}"
        yield from (f"{found.name}.{name}: {given(field)}" for name, field in found.fields.items())
    if isinstance(found, GraphQLObjectType | GraphQLInterfaceType):
        yield from (f"{found.name} implements {interface.name}" for interface in found.interfaces)
        for name, field in found.fields.items():
            yield f"{found.name}.{name}: {field.type}"
            yield from (f"{found.name}.{name}({each}: {given(argument)})" for each, argument in field.args.items())


def given(asked: GraphQLArgument | GraphQLInputField) -> str:
    """Return the type of an argument or input field, with its default as the document spells it."""
    node = asked.ast_node
    default = f" = {print_ast(node.default_value)}" if node and node.default_value else ""
    return f"{asked.type}{default}"


def test_agreed_contract_is_served() -> None:
    assert facts(AGREED) - facts(SERVED) == set()


def test_agreed_fields_need_no_additional_arguments() -> None:
    assert [change.description for change in find_breaking_changes(AGREED, SERVED)] == []


def test_comparison_finds_missing_default() -> None:
    text = format_sdl()
    changed = text.replace("sort: MovieSort! = RATING", "sort: MovieSort! = NEW", 1)
    assert changed != text
    assert len(facts(AGREED) - facts(build_schema(changed))) == 1
