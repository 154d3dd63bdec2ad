"""A mutation with an idempotency key: which of its outcomes are kept, and what is told of those that are not."""

from collections.abc import Awaitable, Callable
from typing import Final

from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import Response
from strawberry.types import ExecutionResult

import errors
from db import ids
from edge import idempotency
from edge.services import Services
from graphql_server.error_format import find_refusals, is_bug
from identity.tokens import Actor
from resolvers.context import Context

# A retry may have another outcome, so there is none yet.
FOR_NOW: Final = (errors.Failure, errors.RateLimited, errors.QueryTooCostly, errors.RequestInProgress)

Execute = Callable[[Context], Awaitable[ExecutionResult]]
Render = Callable[[ExecutionResult, Context], Response]


async def run_once(request: Request, context: Context, *, execute: Execute, render: Render) -> Response:
    """Return the answer of a mutation that runs once, or the one that it has got before."""

    async def run(services: Services) -> Response:
        inside = Context(services, context.actor, context.base, context.visitor)
        result = await execute(inside)
        if any(is_for_now(error) for error in result.errors or ()):
            # All fields are undone together, so none of them may say that it was done.
            raise idempotency.NotRecorded(render(ExecutionResult(data=None, errors=result.errors), context))
        if not inside.is_settled:
            raise idempotency.NotRecorded(render(result, inside), may_stand=True)
        return render(result, inside)

    return await idempotency.run_once(request, context.services, caller=caller_of(context.actor), run=run)


def caller_of(actor: Actor | None) -> str:
    """Return whose keys these are; of those who are not signed in all have the same."""
    return ids.encode("usr", actor.user_id) if actor else "anonymous"


def is_for_now(error: GraphQLError) -> bool:
    """Return whether a field has failed in a way that does not last."""
    return is_bug(error) or any(isinstance(cause, FOR_NOW) for cause in find_refusals(error))
