"""Reads what the fields and types of the schema declare beside themselves, for caching, cost and planning."""

from functools import cache
from typing import Final

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from resolvers.field_metadata import KEY, NOTHING, Declaration
from schema.node import Node

# Under this key graphql-core's objects have Strawberry's.
DEFINITION: Final = "strawberry-definition"


def find_declaration(field: GraphQLField) -> Declaration:
    """Return what a field declares; an empty declaration where it declares nothing, or is no field of ours."""
    definition = field.extensions.get(DEFINITION)
    if not isinstance(definition, StrawberryField):
        return NOTHING
    found: Declaration = definition.metadata.get(KEY, NOTHING)
    return found


def find_node_class(kind: GraphQLObjectType) -> type[Node] | None:
    """Return the class of a type whose objects are rows that say who sees them; None for another type."""
    definition = kind.extensions.get(DEFINITION)
    origin = definition.origin if isinstance(definition, StrawberryObjectDefinition) else None
    return origin if origin is not None and issubclass(origin, Node) and origin.visible_to else None


@cache
def find_types_by_prefix(schema: GraphQLSchema) -> dict[str, GraphQLObjectType]:
    """Return the types whose objects are rows that say who sees them, by the prefix of their ids."""
    kinds = [kind for kind in schema.type_map.values() if isinstance(kind, GraphQLObjectType)]
    return {found.prefix: kind for kind in kinds if (found := find_node_class(kind))}
