"""Runs some planned operations on the executor too, and counts the answers that differ."""

import random
from typing import Final

import orjson
import structlog
from strawberry.types import ExecutionResult

from domain.trusted_document import compute_digest
from graphql_server.executable_schema import SCHEMA
from graphql_server.planner.run import PlannedRequest, run_planned
from resolvers.context import Context

# A row may change between the two runs; then the answers agree when both run again.
TRIES: Final = 3

log = structlog.get_logger("matinee.planner")


def is_chosen(share: float) -> bool:
    """Return whether a request belongs to the share that is checked."""
    return share > 0 and random.random() < share  # noqa: S311 - a sample, no secret


async def check_planned_result(context: Context, request: PlannedRequest, planned: ExecutionResult) -> None:
    """Count whether the executor and the planned statement give the same answer, and log where they differ."""
    answer: ExecutionResult | None = planned
    for _ in range(TRIES):
        if answer is None or is_equal(answer, await run_executor(context, request)):
            context.services.planner_metrics.count("equal")
            return
        answer = await run_planned(make_uncharged_context(context), request)
    context.services.planner_metrics.count("different")
    log.error(
        "a plan and the executor differ", document=f"sha256:{compute_digest(request.text)}", operation=request.name
    )


async def run_executor(context: Context, request: PlannedRequest) -> ExecutionResult:
    """Return the executor's result of the same request."""
    return await SCHEMA.execute(
        request.text,
        variable_values=dict(request.variables),
        context_value=make_uncharged_context(context),
        operation_name=request.name,
    )


def make_uncharged_context(context: Context) -> Context:
    """Return a new context of the same caller that is not charged for the operation again."""
    again = Context(context.services, context.actor, context.base, context.visitor)
    again.cost, again.is_counted, again.uses_cache = context.cost, True, False
    return again


def is_equal(planned: ExecutionResult, found: ExecutionResult) -> bool:
    """Return whether two results have the same data, keys in the same order, and errors or none."""
    if bool(planned.errors) or bool(found.errors):
        return bool(planned.errors) and bool(found.errors)
    return normalize_data(planned) == normalize_data(found)


def normalize_data(result: ExecutionResult) -> bytes:
    """Return the data as JSON in which each number and text has one spelling."""
    return orjson.dumps(orjson.loads(orjson.dumps(result.data)))
