"""Reads variables and arguments of planned queries; graphql-core alone would walk the document's nodes for each request."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from graphql import (
    GraphQLField,
    GraphQLInputType,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    VariableNode,
    Visitor,
    get_argument_values,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    type_from_ast,
    visit,
)
from graphql.execution.values import VariableValues
from graphql.language import FieldNode
from graphql.utilities import coerce_input_value

from resolvers.planned_reads import Arguments

# Names of the variables that have a value, and whether that is null.
Given = tuple[tuple[str, bool], ...]

# Of one field; clients leave the same few variables out.
MOST_TEMPLATES: Final = 32


class PlainVariable(NamedTuple):
    """A variable of a scalar or an enum, or of a list of these."""

    name: str
    coerce: Callable[[Any], Any]
    # Whether graphql-core has to judge a value that is null or not there.
    needs_value: bool


class Placeholder(NamedTuple):
    """Stands for the value of a variable in a template."""

    name: str


def plan_variables(schema: GraphQLSchema, operation: OperationDefinitionNode) -> tuple[PlainVariable, ...] | None:
    """Return how the variables of an operation are read, None where one of them is an input object."""
    found = []
    for each in operation.variable_definitions or ():
        kind: Any = type_from_ast(schema, each.type)
        coerce = plan_coercion(kind)
        if coerce is None:
            return None
        needs_value = is_non_null_type(kind) or each.default_value is not None
        found.append(PlainVariable(each.variable.name.value, coerce, needs_value))
    return tuple(found)


def plan_coercion(kind: GraphQLInputType) -> Callable[[Any], Any] | None:
    """Return what checks and converts a value of a type, None for input objects, whose depth graphql-core bounds."""
    inner: Any = get_nullable_type(kind)
    if is_leaf_type(inner):
        found: Callable[[Any], Any] = inner.coerce_input_value
        return found
    if is_list_type(inner) and is_leaf_type(get_nullable_type(inner.of_type)):
        return partial(coerce_input_value, type_=inner)
    return None


def read_variables(plain: Sequence[PlainVariable], values: Mapping[str, Any]) -> VariableValues | None:
    """Return the values of plain variables, None where graphql-core has to judge or to refuse one."""
    found: dict[str, Any] = {}
    for name, coerce, needs_value in plain:
        value = values.get(name)
        if value is None:
            if needs_value:
                return None
            if name in values:
                found[name] = None
            continue
        try:
            coerced = coerce(value)
        except Exception:  # noqa: BLE001 - whatever it is, graphql-core meets it again, and says it
            return None
        if coerced is Undefined:
            return None
        found[name] = coerced
    return VariableValues({}, found)


def list_given(variables: VariableValues | None) -> Given:
    """Return which variables have a value; the same template of arguments suits all requests that give the same ones."""
    if variables is None:
        return ()
    return tuple([(name, value is None) for name, value in variables.coerced.items()])


def make_template(declared: GraphQLField, node: FieldNode, given: Given) -> Arguments | None:
    """Return a field's arguments with placeholders for what variables give; None where they do not only pass through.

    graphql-core passes the value of a variable on without looking at it, unless it is null. So what it makes of the
    placeholders holds for all values.
    """
    coerced = {name: None if is_null else Placeholder(name) for name, is_null in given}
    made = get_argument_values(declared, node, VariableValues({}, coerced))
    names = sorted(name for name in list_variables(node) if coerced.get(name) is not None)
    return made if sorted(list_placeholders(made)) == names else None


def list_variables(node: FieldNode) -> list[str]:
    """Return the names of the variables in a field's arguments, as often as they stand there."""
    variables = _Variables()
    for argument in node.arguments or ():
        visit(argument, variables)
    return variables.names


class _Variables(Visitor):
    """Notes the names of variables."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        """Note one."""
        self.names.append(node.name.value)


def list_placeholders(template: object) -> list[str]:
    """Return the names of the placeholders in a template."""
    if isinstance(template, Placeholder):
        return [template.name]
    inner = template.values() if isinstance(template, dict) else template if isinstance(template, list) else ()
    return [name for each in inner for name in list_placeholders(each)]


def fill_template(template: Any, values: Mapping[str, Any]) -> Any:
    """Return a template with values in the place of its placeholders."""
    kind = type(template)
    if kind is Placeholder:
        return values[template.name]
    if kind is dict:
        return {name: fill_template(each, values) for name, each in template.items()}
    if kind is list:
        return [fill_template(each, values) for each in template]
    return template
