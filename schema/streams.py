"""Operations whose results come one after the other: what WebSocket and server-sent events have in common."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from graphql import GraphQLError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from resolvers.context import Context
from schema import trusted
from schema.contract import SCHEMA
from schema.formatting import formatted
from schema.http import MISDIRECTED, Asked, misdirected, told

READING: Final = frozenset({OperationType.QUERY, OperationType.SUBSCRIPTION})
ALL: Final = frozenset(OperationType)


@dataclass(frozen=True, slots=True)
class Result:
    """One result of an operation; after one that did not run nothing follows."""

    body: dict[str, Any]
    ran: bool


async def results(
    asked: Asked, context: Context, *, allowed: frozenset[OperationType] = ALL, reference: str
) -> AsyncGenerator[Result]:
    """Yield what an operation results in: one for a query or mutation, one for each event of a subscription."""
    show = partial(shown, reference=reference, tells_names=context.services.settings.tells_names)
    try:
        stream = await SCHEMA.stream(
            await trusted.admitted(context.services, query=asked.query, document=asked.document),
            variable_values=asked.variables,
            context_value=context,
            operation_name=asked.operation_name,
            allowed_operation_types=allowed,
        )
        async with aclosing(stream):
            async for found in stream:
                result = show(found)  # type: ignore[arg-type]  # nothing is delivered in parts
                yield result
                if not result.ran:
                    return
    except Exception as error:  # noqa: BLE001  # refusals, and what parsing raises: Strawberry does not catch it here
        fault = error if isinstance(error, GraphQLError) else GraphQLError(str(error), original_error=error)
        SCHEMA.process_errors([fault])
        yield show(ExecutionResult(data=None, errors=[fault]))


def shown(found: ExecutionResult, *, reference: str, tells_names: bool) -> Result:
    """Return a result in the shape of an answer."""
    faults = found.errors or []
    ran = found.data is not None or any(error.path is not None for error in faults)
    if faults and isinstance(faults[0].original_error, MISDIRECTED):
        return Result(told([misdirected(faults[0].original_error, method="GET")]), ran=False)
    body: dict[str, Any] = {"data": found.data} if ran else {}
    if faults:
        body = {"errors": formatted(faults, reference=reference, tells_names=tells_names), **body}
    return Result(body, ran)
