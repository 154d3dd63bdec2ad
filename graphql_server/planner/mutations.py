"""Runs a mutation by its resolver alone where its payload needs no other one: the executor would cost as much again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

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
from graphql.execution.values import VariableValues, get_variable_values
from graphql.pyutils import Path
from graphql.type import GraphQLResolveInfo
from strawberry.types import ExecutionResult

from errors import Refusal, Unavailable
from graphql_server.error_format import find_refusals
from graphql_server.executable_schema import SCHEMA
from graphql_server.plain_fields import is_awaitable
from graphql_server.planner.outline import Unplanned
from graphql_server.planner.payloads import PayloadWriter, Write
from graphql_server.planner.run import FOR_EXECUTOR, PlannedRequest, find_ready, refused
from graphql_server.planner.selection import Fragments, collected, flags_of, fragments_of
from graphql_server.prepared_documents import Prepared, counted, spend
from resolvers.context import Context

# Sets of flags of one mutation that are remembered; clients have one or two.
MOST_FLAGS: Final = 16
NO_VARIABLES: Final = VariableValues({}, {})


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """The only field of a mutation's root, and what writes its payload."""

    key: str
    nodes: list[FieldNode]
    declared: GraphQLField
    write: Write


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
        chosen = collected(self.fragments, self.root, [self.node.selection_set], values)
        if len(chosen) != 1:
            return Unplanned("the root has several fields, or none")
        ((key, nodes),) = chosen.items()
        declared = self.root.fields.get(nodes[0].name.value)
        if declared is None:
            return Unplanned("the root has a field of introspection")
        try:
            return PlannedChange(
                key, nodes, declared, PayloadWriter(self.fragments, values).write(declared.type, nodes)
            )
        except Unplanned as reason:
            return reason

    def coerce_variables(self, values: Mapping[str, Any]) -> VariableValues:
        """Return the values of the variables; raise Unplanned where the executor refuses them."""
        definitions = self.node.variable_definitions
        if not definitions:
            return NO_VARIABLES
        found = get_variable_values(self.fragments.schema, definitions, dict(values))
        if isinstance(found, VariableValues):
            return found
        raise Unplanned("the variables are refused")


async def run_mutation(context: Context, request: PlannedRequest) -> ExecutionResult | None:
    """Return the result of a mutation; None, with nothing done, where the operation is for the executor."""
    prepared = find_ready(context, request.text, request.name)
    mutation = find_mutation(prepared, request.name) if prepared else None
    if prepared is None or mutation is None:
        return None
    try:
        variables = mutation.coerce_variables(request.variables)
        change = mutation.find_change(variables)
        arguments = get_argument_values(change.declared, change.nodes[0], variables)
    except FOR_EXECUTOR:
        return None
    try:
        spend(context, prepared, request.variables, request.name)
    except Refusal as refusal:
        return refused(refusal)
    fields = prepared.fields(SCHEMA.graphql, operation=request.name)
    async with counted(context, prepared, fields, request.name):
        info = make_info(mutation, change, variables, context)
        return await run_change(context, change, info, arguments)


async def run_change(
    context: Context, change: PlannedChange, info: GraphQLResolveInfo[Context], arguments: Mapping[str, Any]
) -> ExecutionResult:
    """Return the result of a change: its payload, or null and why."""
    resolve: Any = change.declared.resolve
    try:
        payload = await resolve(None, info, **arguments)
        return ExecutionResult(data={change.key: change.write(payload)}, errors=None)
    except Exception as raised:  # noqa: BLE001 - as the executor does, it becomes an error of the field
        error = located_error(raised, change.nodes, [change.key])
    SCHEMA.process_errors([error])
    if any(isinstance(cause, Unavailable) for cause in find_refusals(error)):
        context.services.admission.refuse()
    return ExecutionResult(data={change.key: None}, errors=[error])


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


def find_mutation(prepared: Prepared, name: str | None) -> Mutation | None:
    """Return the mutation that a request means, None where the operation is of another kind."""
    if name not in prepared.mutations:
        prepared.mutations[name] = make_mutation(SCHEMA.graphql, prepared.document, name)
    found: Mutation | None = prepared.mutations[name]
    return found


def make_mutation(schema: GraphQLSchema, document: DocumentNode, name: str | None) -> Mutation | None:
    """Return an operation as a mutation, None where it is of another kind."""
    nodes = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    node = next((each for each in nodes if name is None or (each.name and each.name.value == name)), None)
    root = schema.mutation_type
    if node is None or root is None or node.operation is not OperationType.MUTATION:
        return None
    fragments = fragments_of(schema, document)
    return Mutation(fragments, node, root, flags_of(node, fragments))
