"""Runs a mutation without the executor where its payload needs no other resolver: the executor would cost as much again."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

import structlog
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    get_argument_values,
    located_error,
)
from graphql.execution.values import VariableValues
from graphql.pyutils import Path
from graphql.type import GraphQLResolveInfo
from starlette.types import Scope
from strawberry.types import ExecutionResult

from errors import OutcomeUnknown, Refusal, Refusals, Unavailable
from graphql_server.error_format import find_refusals
from graphql_server.executable_schema import GRAPHQL, SCHEMA
from graphql_server.plain_fields import is_awaitable
from graphql_server.planner.operations import coerce_by_graphql
from graphql_server.planner.outline import Unplanned
from graphql_server.planner.payloads import PayloadShape, plan_payload
from graphql_server.planner.plain_inputs import PlainInput, plan_plain_input
from graphql_server.planner.run import FOR_EXECUTOR, PlannedRequest, make_refused_result
from graphql_server.planner.selection import (
    Fragments,
    collect_fields,
    collect_fragments,
    find_operation_node,
    list_flags,
)
from graphql_server.prepared_documents import Admitted, spend_operation_cost
from resolvers.context import Context
from resolvers.mutation_field import PayloadExtension

# Sets of flags that are kept for one mutation; clients use one or two.
MOST_FLAGS: Final = 16
NO_VARIABLES: Final = VariableValues({}, {})

Resolve = Callable[[], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """The only field of a mutation's root: its function, the shape of its payload, and how a plain input is read."""

    key: str
    nodes: list[FieldNode]
    declared: GraphQLField
    shape: PayloadShape
    function: Callable[..., Awaitable[Any]]
    extension: PayloadExtension
    plain: PlainInput | None = None


@dataclass(slots=True, eq=False)
class Mutation:
    """A mutation with one field, and its changes by the values of the variables of @skip and @include."""

    fragments: Fragments
    node: OperationDefinitionNode
    root: GraphQLObjectType
    flags: tuple[str, ...]
    changes: dict[tuple[Any, ...], PlannedChange | Unplanned] = field(default_factory=dict)

    def find_change(self, variables: VariableValues) -> PlannedChange:
        """Return the change that variables ask for; raise Unplanned where it is for the executor."""
        flags = tuple(variables.coerced.get(name) for name in self.flags)
        found = self.changes.get(flags)
        if found is None:
            if len(self.changes) >= MOST_FLAGS:
                self.changes.clear()
            found = self.changes[flags] = self.plan_change(flags)
        if isinstance(found, Unplanned):
            raise found
        return found

    def plan_change(self, flags: tuple[Any, ...]) -> PlannedChange | Unplanned:
        """Return the change for these flags, or why the executor has to run it."""
        if not all(isinstance(flag, bool) for flag in flags):
            return Unplanned("a condition is null")
        values = dict(zip(self.flags, flags, strict=True))
        chosen = collect_fields(self.fragments, self.root, [self.node.selection_set], values)
        if len(chosen) != 1:
            return Unplanned("the root has several fields, or none")
        ((key, nodes),) = chosen.items()
        declared = self.root.fields.get(nodes[0].name.value)
        if declared is None:
            return Unplanned("the root has a field of introspection")
        try:
            shape = plan_payload(self.fragments, values, declared.type, nodes)
        except Unplanned as reason:
            return reason
        definition: Any = declared.extensions["strawberry-definition"]
        (extension,) = definition.extensions
        plain = None if self.flags else plan_plain_input(self.node, nodes[0], declared)
        return PlannedChange(key, nodes, declared, shape, definition.base_resolver.wrapped_func, extension, plain)

    def bind(self, values: Mapping[str, Any], context: Context) -> tuple[PlannedChange, Resolve]:
        """Return the change, and what runs it; raise Unplanned or a refusal where it is for the executor."""
        if not self.flags and context.services.trace_span is None:
            change = self.find_change(NO_VARIABLES)
            made = read_input(change.plain, values) if change.plain else None
            if made is not None:
                return change, partial(run_plain, change, context, made)
        variables = self.coerce_variables(values)
        change = self.find_change(variables)
        arguments = get_argument_values(change.declared, change.nodes[0], variables)
        resolve: Any = change.declared.resolve
        return change, partial(resolve, None, make_info(self, change, variables, context), **arguments)

    def coerce_variables(self, values: Mapping[str, Any]) -> VariableValues:
        """Return the values of the variables; raise Unplanned where the executor refuses them."""
        if not self.node.variable_definitions:
            return NO_VARIABLES
        return coerce_by_graphql(self.fragments.schema, self.node, values)


async def run_mutation(context: Context, request: PlannedRequest) -> ExecutionResult | None:
    """Return the result of a mutation; None, with nothing done, where the operation is for the executor."""
    bound = bind_mutation(context, request)
    if bound is None:
        return None
    prepared, name = request.prepared, request.name
    try:
        spend_operation_cost(context, prepared, request.variables, name)
    except Refusal as refusal:
        return make_refused_result(refusal)
    fields = prepared.fields(GRAPHQL, operation=name)
    async with Admitted(context, prepared, fields, name):
        return await make_change(context, *bound)


class StartedChange(NamedTuple):
    """A change that is being made."""

    awaited: asyncio.Task[ExecutionResult]
    context: Context
    change: PlannedChange

    def finish(self, awaited: asyncio.Future[Any]) -> ExecutionResult:
        """Return the result; where the server ends and waits no longer, its outcome is unknown."""
        if awaited.cancelled():
            return make_failed_result(self.context, self.change, OutcomeUnknown())
        result: ExecutionResult = awaited.result()
        return result


def start_mutation(context: Context, request: PlannedRequest, scope: Scope) -> StartedChange | None:
    """Return the change that a mutation asks for, on its way; None, with nothing charged, where it cannot start here."""
    bound = bind_mutation(context, request)
    if bound is None:
        return None
    try:
        spend_operation_cost(context, request.prepared, request.variables, request.name)
    except Refusal:
        # Refused again by the application, which says it.
        return None
    context.services.usage_metrics.count(request.prepared.fields(GRAPHQL, operation=request.name))
    change, resolve = bound
    return StartedChange(asyncio.create_task(run_named(scope, context, change, resolve)), context, change)


async def run_named(scope: Scope, context: Context, change: PlannedChange, resolve: Resolve) -> ExecutionResult:
    """Make a change whose log lines name the request."""
    named = {"request_id": scope["request_id"]} | ({"operation": scope["operation"]} if "operation" in scope else {})
    structlog.contextvars.bind_contextvars(**named)
    return await make_change(context, change, resolve)


def bind_mutation(context: Context, request: PlannedRequest) -> tuple[PlannedChange, Resolve] | None:
    """Return the change that a mutation asks for, and what runs it; None where the operation is for the executor."""
    prepared, name = request.prepared, request.name
    if name not in prepared.mutations:
        prepared.mutations[name] = make_mutation(GRAPHQL, prepared.document, name)
    mutation: Mutation | None = prepared.mutations[name]
    if mutation is None:
        return None
    try:
        return mutation.bind(request.variables, context)
    except FOR_EXECUTOR:
        return None


async def make_change(context: Context, change: PlannedChange, resolve: Resolve) -> ExecutionResult:
    """Make a change, and return the result of its mutation."""
    try:
        return ExecutionResult(data={change.key: write_payload(change.shape, await resolve())}, errors=None)
    except Exception as raised:  # noqa: BLE001 - as the executor does, it becomes an error of the field
        return make_failed_result(context, change, raised)


def make_failed_result(context: Context, change: PlannedChange, raised: Exception) -> ExecutionResult:
    """Return the result of a mutation that failed without a payload: null and the error."""
    error = located_error(raised, change.nodes, [change.key])
    SCHEMA.process_errors([error])
    if any(isinstance(cause, Unavailable) for cause in find_refusals(error)):
        context.services.admission.refuse()
    return ExecutionResult(data={change.key: None}, errors=[error])


def read_input(plain: PlainInput, variables: Mapping[str, Any]) -> object | None:
    """Return the input object; None where graphql-core has to read the variables, or to say what is wrong with them."""
    values = variables.get(plain.variable)
    if plain.sources is not None:
        values = {name: variables[source] for name, source in plain.sources.items() if source in variables}
    if not isinstance(values, dict) or not plain.required <= values.keys():
        return None
    found = dict(plain.constants)
    for name, value in values.items():
        field = plain.fields.get(name)
        if field is None or value is None:
            return None
        try:
            found[field.attribute] = field.coerce(value)
        except Exception:  # noqa: BLE001 - whatever it is, graphql-core meets it again, and says it
            return None
    made: object = plain.make(**found)
    return made


async def run_plain(change: PlannedChange, context: Context, made: object) -> Any:
    """Return the payload of a mutation for an input object that is made already.

    The field's function is called without Strawberry's conversion of arguments. Nothing is read after it, so the context
    is not renewed.
    """
    info: Any = SimpleNamespace(context=context)
    try:
        result = await change.function(None, info=info, input=made)
    except (Refusal, Refusals) as raised:
        return change.extension.make_refused_payload(raised, context, made)
    payload, names = change.extension.payload, change.extension.names
    return payload(*(result if len(names) > 1 else (result,)), [])


def write_payload(shape: PayloadShape, value: Any) -> Any:
    """Return the part of the response that stands for a value; raise TypeError for a null that must not be one."""
    if value is None:
        if shape.required:
            raise TypeError(f"there is no value of the type {shape.required}")
        return None
    if shape.coerce is not None:
        return shape.coerce(value)
    if shape.item is not None:
        return [write_payload(shape.item, each) for each in value]
    if shape.possible:
        shape = next(each for is_type_of, each in shape.possible if is_type_of(value, None))
    return {key: write_payload(part, read(value)) for key, read, part in shape.parts}


def make_info(
    mutation: Mutation, change: PlannedChange, variables: VariableValues, context: Context
) -> GraphQLResolveInfo[Context]:
    """Return what graphql-core tells a resolver."""
    return GraphQLResolveInfo(
        change.nodes[0].name.value,
        change.nodes,
        change.declared.type,
        mutation.root,
        Path(None, change.key, mutation.root.name),
        mutation.fragments.schema,
        dict(mutation.fragments.definitions),
        None,
        mutation.node,
        variables,
        context,
        is_awaitable,
        None,
        None,  # type: ignore[arg-type]  # no resolver starts work that outlives it
    )


def make_mutation(schema: GraphQLSchema, document: DocumentNode, name: str | None) -> Mutation | None:
    """Return an operation as a mutation, None where it is of another kind."""
    node = find_operation_node(document, name)
    root = schema.mutation_type
    if node is None or root is None or node.operation is not OperationType.MUTATION:
        return None
    fragments = collect_fragments(schema, document)
    return Mutation(fragments, node, root, list_flags(node, fragments))
