"""Finds mutations whose input is made of the built-in scalars alone, and can be read straight from the variables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from graphql import (
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLNonNull,
    GraphQLScalarType,
    ListTypeNode,
    NamedTypeNode,
    NonNullTypeNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    Undefined,
    ValueNode,
    VariableNode,
    coerce_input_literal,
)
from graphql.language import FieldNode, TypeNode
from strawberry.types.field import StrawberryField

INPUT: Final = "input"
BUILT_IN: Final = frozenset({"ID", "String", "Int", "Float", "Boolean"})


@dataclass(frozen=True, slots=True)
class PlainField:
    """A field of an input: its attribute, its type, and what checks and converts a value."""

    attribute: str
    type_name: str
    is_required: bool
    coerce: Callable[[Any], Any]
    read_literal: Callable[[ValueNode], Any]


@dataclass(frozen=True, slots=True)
class PlainInput:
    """How the input object is made: of the variable of each field in `sources`, and of `constants`, by attribute.

    Without `sources` the `variable` is the whole input.
    """

    make: Callable[..., Any]
    fields: Mapping[str, PlainField]
    required: frozenset[str]
    variable: str = ""
    sources: Mapping[str, str] | None = None
    constants: Mapping[str, Any] = field(default_factory=dict)


def plan_plain_input(operation: OperationDefinitionNode, node: FieldNode, declared: GraphQLField) -> PlainInput | None:
    """Return how the input of a mutation is read, None where it is not plain."""
    definition = declared.extensions.get("strawberry-definition")
    argument = declared.args.get(INPUT)
    if argument is None or len(declared.args) != 1 or not isinstance(definition, StrawberryField) or not node.arguments:
        return None
    kind = strip_non_null(argument.type)
    fields = plan_fields(kind) if isinstance(kind, GraphQLInputObjectType) and not kind.is_one_of else None
    make: Any = definition.arguments[0].type
    variables = operation.variable_definitions or ()
    if fields is None or not isinstance(make, type) or any(each.default_value is not None for each in variables):
        return None
    required = frozenset(name for name, field in fields.items() if field.is_required)
    types = {each.variable.name.value: each.type for each in variables}
    value = node.arguments[0].value
    if isinstance(value, VariableNode) and len(types) == 1:
        return PlainInput(make, fields, required, variable=value.name.value)
    return (
        plan_input_object(value, types, PlainInput(make, fields, required))
        if isinstance(value, ObjectValueNode)
        else None
    )


def plan_input_object(value: ObjectValueNode, types: Mapping[str, TypeNode], whole: PlainInput) -> PlainInput | None:
    """Return how an input that is written field by field is read, from `whole`, which knows its fields."""
    written = {each.name.value: each.value for each in value.fields or ()}
    sources = find_sources(written, whole.fields, types)
    fixed = {name: each for name, each in written.items() if not isinstance(each, VariableNode)}
    if sources is None or any(isinstance(each, NullValueNode) for each in fixed.values()):
        return None
    constants = {whole.fields[name].attribute: whole.fields[name].read_literal(each) for name, each in fixed.items()}
    return replace(whole, required=whole.required - fixed.keys(), sources=sources, constants=constants)


def plan_fields(kind: GraphQLInputObjectType) -> dict[str, PlainField] | None:
    """Return the fields of an input type, None where one is no built-in scalar or has a default."""
    found = {name: plan_field(field) for name, field in kind.fields.items()}
    plain = {name: field for name, field in found.items() if field is not None}
    return plain if len(plain) == len(found) else None


def plan_field(field: GraphQLInputField) -> PlainField | None:
    """Return a field of an input type, None where it is no built-in scalar or has a default."""
    kind = strip_non_null(field.type)
    definition = field.extensions.get("strawberry-definition")
    if not isinstance(kind, GraphQLScalarType) or kind.name not in BUILT_IN or field.default_value is not Undefined:
        return None
    if not isinstance(definition, StrawberryField):
        return None
    is_required = isinstance(field.type, GraphQLNonNull)
    return PlainField(
        definition.python_name, kind.name, is_required, kind.coerce_input_value, partial(read_literal, kind)
    )


def strip_non_null(kind: GraphQLInputType) -> object:
    """Return the type that a value has where it is not null."""
    return kind.of_type if isinstance(kind, GraphQLNonNull) else kind


def read_literal(kind: GraphQLScalarType, node: ValueNode) -> Any:
    """Return the value of a constant in a document, which has been validated."""
    return coerce_input_literal(node, kind)


def find_sources(
    written: Mapping[str, ValueNode], fields: Mapping[str, PlainField], types: Mapping[str, TypeNode]
) -> dict[str, str] | None:
    """Return the variable of each field that has one; None unless each has the field's type, and all variables are used."""
    found = {name: each.name.value for name, each in written.items() if isinstance(each, VariableNode)}
    if any(name_type(types.get(source)) != fields[name].type_name for name, source in found.items()):
        return None
    return found if set(found.values()) == set(types) else None


def name_type(node: TypeNode | None) -> str | None:
    """Return the name of a variable's type, None for a list."""
    if isinstance(node, NonNullTypeNode):
        return name_type(node.type)
    return node.name.value if isinstance(node, NamedTypeNode) and not isinstance(node, ListTypeNode) else None
