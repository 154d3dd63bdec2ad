"""Finds the fields for which a trace gets a span: those whose resolvers do work of their own."""

from collections.abc import Iterator

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, is_introspection_type
from strawberry.types.field import StrawberryField

from graphql_server.plain_fields import find_short_resolver


def list_resolver_fields(schema: GraphQLSchema) -> Iterator[tuple[str, GraphQLField]]:
    """Yield the fields with resolvers, by coordinate, except those that a plain function of the source can stand for."""
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not is_introspection_type(kind):
            for name, field in kind.fields.items():
                declared = field.extensions.get("strawberry-definition")
                if (
                    isinstance(declared, StrawberryField)
                    and declared.base_resolver
                    and find_short_resolver(field) is None
                ):
                    yield f"{kind.name}.{name}", field
