"""Mutations with an idempotency key: decides which outcomes are recorded, and answers those that are not."""

from collections.abc import Awaitable, Callable
from typing import Final

from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import Response
from strawberry.types import ExecutionResult

import errors
from db import ids
from edge import idempotency
from edge.services import Services, SharedCommits
from graphql_server.error_format import find_refusals, is_bug
from identity.tokens import Actor
from resolvers.context import Context

# A retry may succeed, so these outcomes are not recorded.
TEMPORARY: Final = (errors.Failure, errors.RateLimited, errors.QueryTooCostly, errors.RequestInProgress)

Execute = Callable[[Context], Awaitable[ExecutionResult]]
Render = Callable[[ExecutionResult, Context], Response]


async def run_once(
    request: Request, context: Context, *, execute: Execute, render: Render, shares: SharedCommits | None = None
) -> Response:
    """Return the answer of a mutation, or the recorded answer of an earlier request with the same key.

    `shares` are the commits by which it makes its change, where that is all that it does.
    """

    async def run(services: Services) -> Response:
        inside = Context(services, context.actor, context.base, context.visitor)
        result = await execute(inside)
        if any(is_temporary(error) for error in result.errors or ()):
            # All fields are rolled back together, so none of them may answer with data.
            raise idempotency.NotRecorded(render(ExecutionResult(data=None, errors=result.errors), context))
        if not inside.is_settled:
            raise idempotency.NotRecorded(render(result, inside), may_stand=True)
        return render(result, inside)

    caller = format_caller(context.actor)
    return await idempotency.run_once(request, context.services, caller=caller, run=run, shares=shares)


def format_caller(actor: Actor | None) -> str:
    """Return the caller whose idempotency keys these are; all anonymous callers together are one."""
    return ids.encode("usr", actor.user_id) if actor else "anonymous"


def is_temporary(error: GraphQLError) -> bool:
    """Return whether a field has failed for a reason that may be gone on a retry."""
    return is_bug(error) or any(isinstance(cause, TEMPORARY) for cause in find_refusals(error))
