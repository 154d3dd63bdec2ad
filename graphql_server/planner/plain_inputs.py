"""Reads the input of a mutation straight from the variables, where it is made of the built-in scalars alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
    ObjectValueNode,
    OperationDefinitionNode,
    Undefined,
    VariableNode,
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


@dataclass(frozen=True, slots=True)
class PlainInput:
    """Makes the input object. `sources` names the variable of each field; without it `variable` is the whole input."""

    make: Callable[..., Any]
    fields: Mapping[str, PlainField]
    required: frozenset[str]
    variable: str = ""
    sources: Mapping[str, str] | None = None

    def read(self, variables: Mapping[str, Any]) -> Any:
        """Return the input object; None where graphql-core has to read the variables, or to say what is wrong with them."""
        values = variables.get(self.variable)
        if self.sources is not None:
            values = {name: variables[source] for name, source in self.sources.items() if source in variables}
        if not isinstance(values, dict) or not self.required <= values.keys():
            return None
        found = {}
        for name, value in values.items():
            field = self.fields.get(name)
            if field is None or value is None:
                return None
            try:
                found[field.attribute] = field.coerce(value)
            except Exception:  # noqa: BLE001 - whatever it is, graphql-core meets it again, and says it
                return None
        return self.make(**found)


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
    sources = find_sources(value, fields, types) if isinstance(value, ObjectValueNode) else None
    return None if sources is None else PlainInput(make, fields, required, sources=sources)


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
    return PlainField(definition.python_name, kind.name, is_required, kind.coerce_input_value)


def strip_non_null(kind: GraphQLInputType) -> object:
    """Return the type that a value has where it is not null."""
    return kind.of_type if isinstance(kind, GraphQLNonNull) else kind


def find_sources(
    value: ObjectValueNode, fields: Mapping[str, PlainField], types: Mapping[str, TypeNode]
) -> dict[str, str] | None:
    """Return the variable of each field; None unless each is one of the field's type, and all variables are used."""
    found: dict[str, str] = {}
    for each in value.fields or ():
        if not isinstance(each.value, VariableNode):
            return None
        name = each.value.name.value
        if name_type(types.get(name)) != fields[each.name.value].type_name:
            return None
        found[each.name.value] = name
    return found if set(found.values()) == set(types) else None


def name_type(node: TypeNode | None) -> str | None:
    """Return the name of a variable's type, None for a list."""
    if isinstance(node, NonNullTypeNode):
        return name_type(node.type)
    return node.name.value if isinstance(node, NamedTypeNode) and not isinstance(node, ListTypeNode) else None
