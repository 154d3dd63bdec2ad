"""Operations whose results come one after the other: what WebSocket and server-sent events have in common."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from graphql import GraphQLError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from resolvers.context import Context
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
    stream = await SCHEMA.stream(
        asked.query,
        variable_values=asked.variables,
        context_value=context,
        operation_name=asked.operation_name,
        allowed_operation_types=allowed,
    )
    try:
        async with aclosing(stream):
            async for found in stream:
                result = shown(found, reference=reference)  # type: ignore[arg-type]  # nothing is delivered in parts
                yield result
                if not result.ran:
                    return
    except Exception as error:  # noqa: BLE001  # what parsing raises, Strawberry does not catch here
        fault = error if isinstance(error, GraphQLError) else GraphQLError(str(error), original_error=error)
        SCHEMA.process_errors([fault])
        yield shown(ExecutionResult(data=None, errors=[fault]), reference=reference)


def shown(found: ExecutionResult, *, reference: str) -> Result:
    """Return a result in the shape of an answer."""
    faults = found.errors or []
    ran = found.data is not None or any(error.path is not None for error in faults)
    if faults and isinstance(faults[0].original_error, MISDIRECTED):
        return Result(told([misdirected(faults[0].original_error, method="GET")]), ran=False)
    body: dict[str, Any] = {"data": found.data} if ran else {}
    if faults:
        body = {"errors": formatted(faults, reference=reference), **body}
    return Result(body, ran)
