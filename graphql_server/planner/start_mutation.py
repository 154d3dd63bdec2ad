"""Starts a planned mutation as a task that does nothing but the change; graphql_server/planner/mutations.py has its steps."""

import asyncio
from typing import Any, NamedTuple

import structlog
from starlette.types import Scope
from strawberry.types import ExecutionResult

from errors import OutcomeUnknown, Refusal
from graphql_server.executable_schema import GRAPHQL
from graphql_server.planner.mutations import PlannedChange, Resolve, bind_mutation, make_change, make_failed_result
from graphql_server.planner.run import PlannedRequest
from graphql_server.prepared_documents import spend_operation_cost
from resolvers.context import Context


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
