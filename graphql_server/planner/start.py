"""Starts a planned query without waiting for anything; graphql_server/planner/run.py has the steps that it shares."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from psycopg.pq.abc import PGresult
from strawberry.types import ExecutionResult

from db.json_text import UNANSWERED
from db.pipeline import start_read
from db.pipeline.session import RefusedByPoolerError
from db.pipeline.statement import read_value
from errors import Refusal, Unavailable
from graphql_server.executable_schema import GRAPHQL
from graphql_server.planner.operations import Run
from graphql_server.planner.run import (
    BoundOperation,
    PlannedRequest,
    bind_operation,
    choose_source,
    encode_parameters,
    find_operation,
    finish_cached,
    finish_data,
    make_cache_key,
    make_cache_read,
    make_result,
    may_cache,
    may_read_standby,
    refuse_bound,
)
from graphql_server.prepared_documents import spend_cost, take_room
from resolvers.context import Context
from runtime.admission_control import Room


class StartedData(NamedTuple):
    """A read that is on its way, and what makes the JSON text of the data from its result."""

    awaited: asyncio.Future[Any]
    finish: Callable[[Any], bytes]


class StartedQuery(NamedTuple):
    """A query that is being answered; `finish` gets the future once it is done, and returns what `run_planned` returns."""

    awaited: asyncio.Future[Any]
    finish: Callable[[asyncio.Future[Any]], ExecutionResult | None]


def start_planned(context: Context, request: PlannedRequest) -> ExecutionResult | StartedQuery | None:
    """Return the result of a query or its read that is on its way.

    None, with nothing charged, where it has no plan, where the executor has a part in it, or where it would have to wait for
    room or be refused.
    """
    operation = find_operation(request.prepared, request.name)
    if operation is None:
        return None
    run = bind_operation(operation, request.variables, context)
    if run is None or run.left_to_executor is not None:
        return None
    room = charge_and_enter(context, request)
    if room is None:
        return None
    asked = BoundOperation(operation, run, request)
    try:
        data = start_data(context, run)
    except BaseException as error:
        room.leave()
        if isinstance(error, Refusal):
            return refuse_bound(context, asked, error)
        raise
    if isinstance(data, bytes):
        room.leave()
        return make_result(data)
    return StartedQuery(data.awaited, partial(finish_query, context, asked, room, data.finish))


def charge_and_enter(context: Context, request: PlannedRequest) -> Room | None:
    """Return the room that a query has taken, after charging its cost and counting it; None where it cannot have that now."""
    prepared, services = request.prepared, context.services
    fields = prepared.fields(GRAPHQL, operation=request.name)
    cost = prepared.compute_cost(request.variables, request.name)
    room = take_room(services.admission, fields, cost)
    if not room.enter_at_once():
        return None
    try:
        spend_cost(context, cost)
    except Refusal:
        room.leave()
        return None
    services.usage_metrics.count(fields)
    context.is_counted = True
    return room


def start_data(context: Context, run: Run) -> bytes | StartedData:
    """Return the JSON text of the data, or its read that is on its way; graphql_server/planner/run.py has `fetch_data`."""
    program = run.program
    if program.constant is not None:
        return program.constant
    parameters = encode_parameters(run)
    if not may_cache(context, run):
        reads = choose_source(context, newest=program.newest).pipeline
        return StartedData(start_read(reads, program.statement, parameters), partial(finish_read, context, run))
    key = make_cache_key(run, parameters)
    cache = context.services.response_cache
    found = cache.start(key, program.parts, make_cache_read(context, run, parameters))
    if isinstance(found, bytes):
        return finish_cached(context, run, key, found)
    return StartedData(asyncio.ensure_future(found), partial(finish_cached, context, run, key))


def finish_read(context: Context, run: Run, result: PGresult) -> bytes:
    """Return the JSON text of the data from the statement's result."""
    return finish_data(context, run, read_value(result))


def finish_query(
    context: Context, asked: BoundOperation, room: Room, finish: Callable[[Any], bytes], awaited: asyncio.Future[Any]
) -> ExecutionResult | None:
    """Return the result; None where the executor has to judge a value, or another connection or server has to be asked."""
    room.leave()
    try:
        data = finish(awaited.result())
    except RefusedByPoolerError:
        return None
    except Unavailable as refusal:
        # The application goes on with it, and asks a standby.
        return None if may_read_standby(context, asked.run) else refuse_bound(context, asked, refusal)
    except Refusal as refusal:
        return refuse_bound(context, asked, refusal)
    return None if UNANSWERED in data else make_result(data)
