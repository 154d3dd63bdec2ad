"""Says which part of which variable does not fit its type, by its path and in plain words."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLType,
    Undefined,
    VariableDefinitionNode,
    get_nullable_type,
    is_input_type,
    is_list_type,
    is_required_input_field,
    parse,
    type_from_ast,
)
from graphql.pyutils import suggestion_list
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.types import ExecutionResult

from errors import InvalidInput, Refusal
from graphql_server.field_usage import choose_operation

MOST_FAULTS: Final = 10
# Longer ones are not compared with the names of the schema.
LONGEST_NAME: Final = 50
# The words for scalars that refuse a value in Python's words.
EXPECTED: Final[Mapping[str, str]] = {
    "Int": "must be a whole number of at most 32 bits",
    "Float": "must be a number",
    "String": "must be a text",
    "Boolean": "must be true or false",
    "ID": "must be a text or a whole number",
}


def explain_variables(
    result: ExecutionResult,
    schema: GraphQLSchema,
    *,
    text: str,
    variables: Mapping[str, Any],
    operation_name: str | None,
    tells_names: bool,
) -> None:
    """Put an error for each part of the variables that does not fit in place of the executor's, ten at most.

    The executor quotes values as Python writes them, and does not always say where they stand.
    """
    if not any(is_variable_fault(error) for error in result.errors or ()):
        return
    operation = choose_operation(parse(text), operation_name)
    faults = [
        GraphQLError(str(refusal), definition, original_error=refusal)
        for definition in operation.variable_definitions or ()
        for found in find_variable_faults(schema, definition, variables)
        for refusal in [found if tells_names else hide_suggestion(found)]
    ]
    if faults:
        result.errors = faults[:MOST_FAULTS]


def is_variable_fault(error: GraphQLError) -> bool:
    """Return whether an error says that a variable does not fit."""
    is_at_definition = isinstance(next(iter(error.nodes or ()), None), VariableDefinitionNode)
    # Strawberry's own for `@oneOf`, which stands nowhere.
    return is_at_definition or isinstance(error, StrawberryInputCoercionError)


def find_variable_faults(
    schema: GraphQLSchema, definition: VariableDefinitionNode, variables: Mapping[str, Any]
) -> Iterator[Refusal]:
    """Yield the refusal of each part of a variable that does not fit its type."""
    expected, name = type_from_ast(schema, definition.type), definition.variable.name.value
    is_defaulted = name not in variables and definition.default_value is not None
    if expected is not None and is_input_type(expected) and not is_defaulted:
        yield from find_faults(variables.get(name, Undefined), expected, name)


def find_faults(value: Any, expected: GraphQLInputType, path: str) -> Iterator[Refusal]:
    """Yield the refusal of each part of a value that does not fit the type; `path` is such as `input.identity.email`."""
    nullable = get_nullable_type(expected)
    if value is None or value is Undefined:
        if nullable is not expected:
            yield InvalidInput(field=path, problem="must not be null" if value is None else "is missing")
    elif is_list_type(nullable):
        # One value alone counts as a list of one.
        items = (
            {f"{path}.{place}": item for place, item in enumerate(value)} if isinstance(value, list) else {path: value}
        )
        for each, item in items.items():
            yield from find_faults(item, nullable.of_type, each)
    elif isinstance(nullable, GraphQLInputObjectType):
        yield from find_object_faults(value, nullable, path)
    else:
        yield from find_leaf_fault(value, nullable, path)


def find_object_faults(value: Any, expected: GraphQLInputObjectType, path: str) -> Iterator[Refusal]:
    """Yield the refusal of each field of an input object that does not fit."""
    if not isinstance(value, Mapping):
        yield InvalidInput(field=path, problem="must be an object")
        return
    for name in value:
        if name not in expected.fields:
            yield InvalidInput(
                field=f"{path}.{name[:50]}",
                problem=f"is not a field of {expected.name}{suggest(name, expected.fields)}",
            )
    for name, field in expected.fields.items():
        if name in value:
            yield from find_faults(value[name], field.type, f"{path}.{name}")
        elif is_required_input_field(field):
            yield InvalidInput(field=f"{path}.{name}", problem="is missing")
    # graphql-core is not told of Strawberry's directive.
    if expected.extensions["strawberry-definition"].is_one_of and (len(value) != 1 or None in value.values()):
        names = " or ".join(f"`{name}`" for name in expected.fields)
        yield InvalidInput(field=path, problem=f"must have exactly one of {names}, and not null")


def find_leaf_fault(value: Any, expected: GraphQLType, path: str) -> Iterator[Refusal]:
    """Yield the refusal of a value that its enum or scalar does not take."""
    if isinstance(expected, GraphQLEnumType):
        if not isinstance(value, str) or value not in expected.values:
            yield InvalidInput(
                field=path, problem=f"must be a value of {expected.name}{suggest(value, expected.values)}"
            )
    elif isinstance(expected, GraphQLScalarType):
        try:
            expected.parse_value(value)
        except Refusal as refusal:
            yield name_field(refusal, path)
        except Exception:  # noqa: BLE001 - scalars raise what they like, and their text is in Python's words
            yield InvalidInput(field=path, problem=EXPECTED.get(expected.name, f"must be a {expected.name}"))


def suggest(name: object, names: Iterable[str]) -> str:
    """Return the name of the schema that is nearest to a mistaken one, in words; empty where none is near."""
    nearest = suggestion_list(name[:LONGEST_NAME], list(names)) if isinstance(name, str) else []
    return f"; did you mean `{nearest[0]}`" if nearest else ""


def hide_suggestion(refusal: Refusal) -> Refusal:
    """Return the refusal without a name of the schema that its sender has not written."""
    words: dict[str, Any] = dict(refusal.words)
    words["problem"] = str(words.get("problem", "")).partition("; did you mean ")[0]
    return type(refusal)(**words)


def name_field(refusal: Refusal, path: str) -> Refusal:
    """Return the refusal with the path of the value in place of the name of its scalar."""
    words: dict[str, Any] = {**refusal.words, "field": path}
    return type(refusal)(**words)
