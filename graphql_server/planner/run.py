"""Runs an operation by its plan where it has one, under the same limits and counts as the executor."""

from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import orjson
import structlog
from graphql import DocumentNode, GraphQLError, is_non_null_type
from strawberry.types import ExecutionResult

from db.engine import Reader
from db.json_text import UNANSWERED
from db.pipeline.parameters import encode_parameter
from edge.response_cache import Read
from errors import Refusal, Refusals, Unavailable
from graphql_server.executable_schema import GRAPHQL, SCHEMA
from graphql_server.planner.binding import Request
from graphql_server.planner.cursors import sign_cursors
from graphql_server.planner.json_text import CURSOR_START
from graphql_server.planner.operations import Caller, PlannedQuery, Run, make_planned_query
from graphql_server.planner.outline import TYPENAME, Field, Unplanned
from graphql_server.prepared_documents import Admitted, Prepared, spend_operation_cost
from resolvers.context import Context
from resolvers.planned_reads import RowById, ViewerRow

# The executor finds out what is wrong, and says it.
FOR_EXECUTOR: Final = (Unplanned, Refusal, Refusals, GraphQLError)
START: Final = CURSOR_START.encode()

log = structlog.get_logger("matinee.planner")


class PlannedRequest(NamedTuple):
    """What a request asks to run."""

    text: str
    variables: Mapping[str, Any]
    name: str | None
    prepared: Prepared


class BoundOperation(NamedTuple):
    """An operation that is about to run."""

    operation: PlannedQuery
    run: Run
    request: PlannedRequest


async def run_planned(context: Context, request: PlannedRequest) -> ExecutionResult | None:
    """Return the result of an operation that has a plan, its data as JSON; None where it is for the executor."""
    prepared = request.prepared
    operation = find_operation(prepared, request.name)
    if operation is None:
        return None
    run = bind_operation(operation, request.variables, context)
    return None if run is None else await run_bound(context, prepared, BoundOperation(operation, run, request))


def find_operation(prepared: Prepared, name: str | None) -> PlannedQuery | None:
    """Return the operation that is planned, None where it is no query."""
    if name not in prepared.operations:
        prepared.operations[name] = make_planned_query(GRAPHQL, prepared.document, name)
    found: PlannedQuery | None = prepared.operations[name]
    return found


def bind_operation(operation: PlannedQuery, variables: Mapping[str, Any], context: Context) -> Run | None:
    """Return the statement and the parameters that answer a request, None where there are none."""
    database, actor = context.database, context.actor
    viewer_id = actor.user_id if actor else None
    request = Request(viewer_id, database.cursors, context.services.settings.limits.ids)
    caller = Caller(viewer_id, context.base, may_lag=database.standby != database.primary)
    try:
        return operation.find_run(variables, request, caller)
    except FOR_EXECUTOR:
        return None
    except Exception as error:
        # A bug here costs time, and not the answer.
        log.error("a plan failed", exc_info=error)  # noqa: TRY400 - as elsewhere, the line has the exception itself
        return None


async def run_bound(context: Context, prepared: Prepared, asked: BoundOperation) -> ExecutionResult | None:
    """Return what a plan answers; None, with its cost paid, where there is a value that the executor has to judge."""
    try:
        if not context.is_counted:
            spend_operation_cost(context, prepared, asked.request.variables, asked.request.name)
        fields = prepared.fields(GRAPHQL, operation=asked.request.name)
        async with Admitted(context, prepared, fields, asked.request.name):
            context.is_counted = True
            found = await fetch_data(context, asked.run)
    except Refusal as refusal:
        return refuse_bound(context, asked, refusal)
    if UNANSWERED in found:
        return None
    if asked.run.left_to_executor is not None:
        return await complete_by_executor(context, asked, found, asked.run.left_to_executor)
    return make_result(found)


def make_result(data: bytes) -> ExecutionResult:
    """Return the result of an operation whose data is JSON text already."""
    return ExecutionResult(data=orjson.Fragment(data), errors=None)  # type: ignore[arg-type]  # JSON already


def refuse_bound(context: Context, asked: BoundOperation, refusal: Refusal) -> ExecutionResult:
    """Return the result of an operation that was refused before it ran or by the database."""
    if not (isinstance(refusal, Unavailable) and context.is_counted):
        return make_refused_result(refusal)
    context.services.admission.refuse()
    return make_unavailable_result(refusal, asked, signed_in=context.actor is not None)


async def complete_by_executor(
    context: Context, asked: BoundOperation, data: bytes, left: DocumentNode
) -> ExecutionResult:
    """Return the result of an operation of which the executor has to run some fields of the root."""
    context.left_to_executor = left
    try:
        executed = await SCHEMA.execute(
            asked.request.text,
            variable_values=dict(asked.request.variables),
            context_value=context,
            operation_name=asked.request.name,
        )
    finally:
        context.left_to_executor = None
    if executed.data is None:
        return executed
    values = orjson.loads(data) | executed.data
    ordered = {key: values[key] for key in asked.run.outline.keys}
    return ExecutionResult(data=ordered, errors=executed.errors)


async def fetch_data(context: Context, run: Run) -> bytes:
    """Return the JSON text of the data, from the response cache where it can."""
    program = run.program
    if program.constant is not None:
        return program.constant
    parameters = encode_parameters(run)
    if not may_cache(context, run):
        return await read_data(context, run, parameters, choose_source(context, newest=program.newest))
    key = make_cache_key(run, parameters)
    read = partial(read_to_cache, context, run, parameters)
    data = await context.services.response_cache.fetch_from(context.database, key, program.parts, read)
    return finish_cached(context, run, key, data)


def may_read_standby(context: Context, run: Run) -> bool:
    """Return whether a standby may answer in the place of a primary that does not."""
    return not run.program.newest and context.database.standby is not context.database.primary


def encode_parameters(run: Run) -> list[bytes | None]:
    """Return the parameters of the statement, in its order."""
    return [encode_parameter(run.parameters[name]) for name in run.program.parameters]


def may_cache(context: Context, run: Run) -> bool:
    """Return whether the data may come from the response cache, and go there."""
    cache = context.services.response_cache
    return bool(cache.is_on and run.program.parts and context.actor is None and context.uses_cache)


def make_cache_key(run: Run, parameters: Sequence[bytes | None]) -> Hashable:
    """Return the key of the data in the response cache."""
    return (run.program.number, *parameters)


def make_cache_read(context: Context, run: Run, parameters: Sequence[bytes | None]) -> Read:
    """Return what reads the data for the response cache from the primary."""
    return partial(read_to_cache, context, run, parameters, context.database.primary)


async def read_to_cache(context: Context, run: Run, parameters: Sequence[bytes | None], source: Reader) -> bytes | None:
    """Return the data for the response cache, None where the executor has to judge a value."""
    context.has_read = True
    data = await read_data(context, run, parameters, source)
    return None if UNANSWERED in data else data


def finish_cached(context: Context, run: Run, key: Hashable, data: bytes | None) -> bytes:
    """Return the data that the response cache has or has read, None standing for some that the executor has to judge."""
    if data is None:
        return UNANSWERED
    context.cache_key = key if run.left_to_executor is None else None
    return data


async def read_data(context: Context, run: Run, parameters: Sequence[bytes | None], source: Reader) -> bytes:
    """Return the JSON text of the data from the database, with signed cursors."""
    return finish_data(context, run, await source.pipeline.fetch_value(run.program.statement, parameters))


def choose_source(context: Context, *, newest: bool) -> Reader:
    """Return where an operation is read from."""
    return context.database.primary if newest else context.database.standby


def finish_data(context: Context, run: Run, found: bytes | None) -> bytes:
    """Return the JSON text of the data from what the statement found, with signed cursors."""
    if found is None:
        return UNANSWERED
    return sign_cursors(found, run.bounds, context.database.cursors) if START in found else found


def make_refused_result(refusal: Refusal) -> ExecutionResult:
    """Return the result of an operation that may not run."""
    return ExecutionResult(data=None, errors=[GraphQLError(str(refusal), original_error=refusal)])


def make_unavailable_result(refusal: Unavailable, asked: BoundOperation, *, signed_in: bool) -> ExecutionResult:
    """Return the result of an operation without a database: each field that needs one failed."""
    nodes = asked.operation.list_root_fields(asked.request.variables)
    outline = asked.run.outline
    fields = {each.key: each for each in outline.root.fields}
    answered = {each.key for each in fields.values() if not needs_database(each, signed_in=signed_in)}
    errors = [
        GraphQLError(str(refusal), nodes[key], path=[key], original_error=refusal)
        for key in outline.keys
        if key not in answered
    ]
    if any(is_non_null_type(each.type) for each in fields.values() if each.key not in answered):
        return ExecutionResult(data=None, errors=errors)
    data = {key: "Query" if key in fields and fields[key].name == TYPENAME else None for key in outline.keys}
    return ExecutionResult(data=data, errors=errors)


def needs_database(asked: Field, *, signed_in: bool) -> bool:
    """Return whether a field of the root is read; an anonymous caller has nothing of their own."""
    if asked.name == TYPENAME:
        return False
    is_own = isinstance(asked.reads, ViewerRow) or (isinstance(asked.reads, RowById) and asked.reads.of_viewer)
    return signed_in or not is_own
