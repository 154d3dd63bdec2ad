"""Runs some of the planned operations on the executor as well, and counts where the two answers differ."""

import random
from typing import Final

import orjson
import structlog
from strawberry.types import ExecutionResult

from domain.trusted_document import compute_digest
from graphql_server.executable_schema import SCHEMA
from graphql_server.planner.run import PlannedRequest, run_planned
from resolvers.context import Context

# Somebody may have changed a row between the two; then they agree when both are run once more.
TRIES: Final = 3

log = structlog.get_logger("matinee.planner")


def is_chosen(share: float) -> bool:
    """Return whether a request belongs to the share that is checked."""
    return share > 0 and random.random() < share  # noqa: S311 - a sample, no secret


async def check(context: Context, request: PlannedRequest, planned: ExecutionResult) -> None:
    """Count whether the executor answers what the plan has answered, and log where it does not."""
    answer: ExecutionResult | None = planned
    for _ in range(TRIES):
        if answer is None or is_equal(answer, await executed(context, request)):
            context.services.planner_metrics.count("equal")
            return
        answer = await run_planned(uncharged(context), request)
    context.services.planner_metrics.count("different")
    log.error(
        "a plan and the executor differ", document=f"sha256:{compute_digest(request.text)}", operation=request.name
    )


async def executed(context: Context, request: PlannedRequest) -> ExecutionResult:
    """Return what the executor answers."""
    return await SCHEMA.execute(
        request.text,
        variable_values=dict(request.variables),
        context_value=uncharged(context),
        operation_name=request.name,
    )


def uncharged(context: Context) -> Context:
    """Return the same caller's context for an operation that has been paid for."""
    again = Context(context.services, context.actor, context.base, context.visitor)
    again.cost, again.is_counted, again.uses_cache = context.cost, True, False
    return again


def is_equal(planned: ExecutionResult, found: ExecutionResult) -> bool:
    """Return whether two results have the same data, keys in the same order, and errors or none."""
    if bool(planned.errors) or bool(found.errors):
        return bool(planned.errors) and bool(found.errors)
    return normalized(planned) == normalized(found)


def normalized(result: ExecutionResult) -> bytes:
    """Return data as JSON, in which a number or a text is spelled in one way only."""
    return orjson.dumps(orjson.loads(orjson.dumps(result.data)))
