"""Writes the payload of a mutation from what its resolver returns, by functions that are made once for a selection."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    GraphQLAbstractType,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    is_abstract_type,
    is_leaf_type,
    is_object_type,
)

from graphql_server.plain_fields import short
from graphql_server.planner.outline import TYPENAME, Unplanned
from graphql_server.planner.selection import Flags, Fragments, collect_fields

# Returns the part of the response that stands for a value.
Write = Callable[[Any], Any]


@dataclass(slots=True)
class PayloadWriter:
    """Makes the functions for one selection and one set of flags; raises Unplanned for a field that has to be resolved."""

    fragments: Fragments
    flags: Flags

    def write(self, kind: GraphQLOutputType, nodes: Sequence[FieldNode]) -> Write:
        """Return the function for values of a type."""
        if isinstance(kind, GraphQLNonNull):
            return write_required(self.write(kind.of_type, nodes), f"{kind}")
        if isinstance(kind, GraphQLList):
            return write_list(self.write(kind.of_type, nodes))
        if is_leaf_type(kind):
            return write_leaf(kind)
        if is_object_type(kind):
            return self.write_object(kind, nodes)
        if is_abstract_type(kind):
            return self.write_abstract(kind, nodes)
        raise Unplanned(f"{kind} is no type of values")

    def write_object(self, kind: GraphQLObjectType, nodes: Sequence[FieldNode]) -> Write:
        """Return the function for objects of a type."""
        sets = [node.selection_set for node in nodes if node.selection_set]
        chosen = collect_fields(self.fragments, kind, sets, self.flags)
        parts = [(key, *self.write_field(kind, asked)) for key, asked in chosen.items()]

        def write(value: Any) -> Any:
            if value is None:
                return None
            return {key: write_part(resolve(value, None)) for key, resolve, write_part in parts}

        return write

    def write_field(self, kind: GraphQLObjectType, nodes: list[FieldNode]) -> tuple[Callable[[Any, Any], Any], Write]:
        """Return what reads a field of an object, and the function for its values."""
        name = nodes[0].name.value
        if name == TYPENAME:
            return (lambda _source, _info: kind.name), (lambda value: value)
        declared = kind.fields.get(name)
        resolve = short(declared) if declared else None
        if declared is None or resolve is None:
            raise Unplanned(f"{kind.name}.{name} is not an attribute of its object")
        return resolve, self.write(declared.type, nodes)

    def write_abstract(self, kind: GraphQLAbstractType, nodes: Sequence[FieldNode]) -> Write:
        """Return the function for objects of an interface or a union."""
        possible = self.fragments.schema.get_possible_types(kind)
        writers: list[tuple[Any, Write]] = [(each.is_type_of, self.write_object(each, nodes)) for each in possible]

        def write(value: Any) -> Any:
            if value is None:
                return None
            return next(write for is_type_of, write in writers if is_type_of(value, None))(value)

        return write


def write_required(write: Write, name: str) -> Write:
    """Return the function for values that must not be null."""

    def write_value(value: Any) -> Any:
        written = write(value)
        if written is None:
            raise TypeError(f"there is no value of the type {name}")
        return written

    return write_value


def write_list(write: Write) -> Write:
    """Return the function for lists."""
    return lambda values: None if values is None else [write(value) for value in values]


def write_leaf(kind: GraphQLLeafType) -> Write:
    """Return the function for scalars and enumerations."""
    coerce = kind.coerce_output_value
    return lambda value: None if value is None else coerce(value)
