"""Plans the payload of a mutation: which attributes of what its resolver returns make up the response."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from graphql import (
    FieldNode,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    is_abstract_type,
    is_leaf_type,
    is_object_type,
)

from graphql_server.plain_fields import find_reader
from graphql_server.planner.outline import TYPENAME, Unplanned
from graphql_server.planner.selection import Flags, Fragments, collect_fields

# Returns the value of a field of an object.
Read = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class PayloadShape:
    """How the response is made of a value: a leaf by `coerce`, a list by its `item`, an object by its `parts`.

    A part is a response key, what reads its value, and that value's shape. An interface or a union has the `possible`
    objects, with what recognizes each. `required` names a type that is never null.
    """

    required: str = ""
    coerce: Callable[[Any], Any] | None = None
    item: "PayloadShape | None" = None
    possible: "tuple[tuple[Any, PayloadShape], ...]" = ()
    parts: "tuple[tuple[str, Read, PayloadShape], ...]" = ()


NAME_OF_TYPE: Final = PayloadShape(coerce=str)


def plan_payload(
    fragments: Fragments, flags: Flags, kind: GraphQLOutputType, nodes: Sequence[FieldNode]
) -> PayloadShape:
    """Return the shape of values of a type for these fields; raise Unplanned where one of them has to be resolved."""
    if isinstance(kind, GraphQLNonNull):
        return replace(plan_payload(fragments, flags, kind.of_type, nodes), required=f"{kind}")
    if isinstance(kind, GraphQLList):
        return PayloadShape(item=plan_payload(fragments, flags, kind.of_type, nodes))
    if is_leaf_type(kind):
        return PayloadShape(coerce=kind.coerce_output_value)
    if is_object_type(kind):
        return plan_payload_object(fragments, flags, kind, nodes)
    if is_abstract_type(kind):
        possible = fragments.schema.get_possible_types(kind)
        return PayloadShape(
            possible=tuple((each.is_type_of, plan_payload_object(fragments, flags, each, nodes)) for each in possible)
        )
    raise Unplanned(f"{kind} is no type of values")


def plan_payload_object(
    fragments: Fragments, flags: Flags, kind: GraphQLObjectType, nodes: Sequence[FieldNode]
) -> PayloadShape:
    """Return the shape of objects of a type."""
    sets = [node.selection_set for node in nodes if node.selection_set]
    chosen = collect_fields(fragments, kind, sets, flags)
    parts = []
    for key, asked in chosen.items():
        name = asked[0].name.value
        if name == TYPENAME:
            parts.append((key, make_typename_reader(kind), NAME_OF_TYPE))
            continue
        declared = kind.fields.get(name)
        read = find_reader(declared) if declared else None
        if declared is None or read is None:
            raise Unplanned(f"{kind.name}.{name} is not an attribute of its object")
        parts.append((key, read, plan_payload(fragments, flags, declared.type, asked)))
    return PayloadShape(parts=tuple(parts))


def make_typename_reader(kind: GraphQLObjectType) -> Read:
    """Return what reads `__typename`."""
    return lambda _source: kind.name
