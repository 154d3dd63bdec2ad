"""Which fields do work of their own: what a trace has a span for."""

from collections.abc import Iterator

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, is_introspection_type
from strawberry.types.field import StrawberryField

from graphql_server.plain_fields import short


def working(schema: GraphQLSchema) -> Iterator[tuple[str, GraphQLField]]:
    """Yield the coordinate of each field that has a resolver, and is not worked out from its source alone."""
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not is_introspection_type(kind):
            for name, field in kind.fields.items():
                declared = field.extensions.get("strawberry-definition")
                if isinstance(declared, StrawberryField) and declared.base_resolver and short(field) is None:
                    yield f"{kind.name}.{name}", field
