"""Runs operations that have several results, for WebSocket and server-sent events."""

from collections.abc import AsyncGenerator, Hashable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

import orjson
from graphql import GraphQLError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from errors import Refusal, Refusals, flatten_refusals
from graphql_server.cache_policy import is_shared
from graphql_server.error_format import format_errors
from graphql_server.error_responses import WRONG_OPERATION, explain_wrong_operation, make_refusal_body
from graphql_server.executable_schema import SCHEMA
from graphql_server.prepared_documents import Documents, describe_cost, spend_cost
from graphql_server.request import GraphQLRequest
from graphql_server.trusted_documents import find_document
from graphql_server.variable_faults import explain_variables
from live.topics import Follower
from resolvers.context import Context
from runtime.rate_limits import Rate, RateWindows, Visitor

READING: Final = frozenset({OperationType.QUERY, OperationType.SUBSCRIPTION})
ALL: Final = frozenset(OperationType)


@dataclass(frozen=True, slots=True)
class Result:
    """One result of an operation. Where `ran` is false it is the last one."""

    body: dict[str, Any]
    ran: bool
    # The cost for this caller. Two results that differ in it alone are equal.
    extensions: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def payload(self) -> dict[str, Any]:
        """The result as clients get it."""
        return {**self.body, "extensions": self.extensions} if self.extensions else self.body


class UnlimitedVisitor(Visitor):
    """A visitor without limits, for results that are computed once for all subscribers."""

    def count(self, _windows: RateWindows, _name: str, _key: str, _rate: Rate, _amount: int = 1) -> None:
        """Count nothing."""


async def stream_results(
    asked: GraphQLRequest, context: Context, *, allowed: frozenset[OperationType] = ALL, reference: str
) -> AsyncGenerator[Result]:
    """Yield the results of an operation: one of a query or mutation, one for each event of a subscription.

    Later results are computed once for all subscribers of the same operation.
    """
    try:
        text = await find_document(context.services, query=asked.query, name=asked.document)
    except (Refusal, Refusals) as refusal:
        yield Result(make_refusal_body(flatten_refusals(refusal)), ran=False)
        return
    asked = replace(asked, query=text)
    key, last = None, None
    async with aclosing(run_operation(asked, context, allowed=allowed, reference=reference)) as found:
        async for last in found:
            yield last
            key = find_sharing_key(asked, context) if last.ran else None
            if key is not None:
                break
    if key is None:
        return
    source = partial(run_for_everybody, asked, context, reference=reference)
    with context.services.broadcasts.join(key, source, context.follower) as broadcast:
        # The last result too: the broadcast may have got it after this subscriber computed its own first.
        async with aclosing(broadcast.follow(broadcast.version - 1, context.follower)) as later:
            async for result in later:
                if result != last:
                    yield result
                last = result


def find_sharing_key(asked: GraphQLRequest, context: Context) -> Hashable | None:
    """Return the key of the broadcast that this operation can share; None where the answer depends on the caller.

    The operation must have run before. None also where its document is no longer in the cache of documents.
    """
    prepared = Documents.cache.find(asked.query or "")
    if prepared is None:
        return None
    fields = prepared.fields(SCHEMA.graphql, operation=asked.operation_name)
    if not any(each.type == "Subscription" for each in fields) or not is_shared(fields):
        return None
    variables = orjson.dumps(asked.variables, option=orjson.OPT_SORT_KEYS)
    return asked.query, variables, asked.operation_name, context.base


def run_for_everybody(
    asked: GraphQLRequest, context: Context, follower: Follower, *, reference: str
) -> AsyncGenerator[Result]:
    """Yield the results that any caller gets."""
    shared = Context(context.services, None, context.base, UnlimitedVisitor(""))
    shared.follower = follower
    return run_operation(asked, shared, reference=reference)


async def run_operation(
    asked: GraphQLRequest, context: Context, *, allowed: frozenset[OperationType] = ALL, reference: str
) -> AsyncGenerator[Result]:
    """Yield the results of one operation, as long as they are results that ran."""
    explain = partial(
        explain_variables,
        schema=SCHEMA.graphql,
        text=asked.query or "",
        variables=asked.variables or {},
        operation_name=asked.operation_name,
        tells_names=context.services.settings.suggests_names,
    )
    show = partial(format_result, reference=reference, tells_names=context.services.settings.suggests_names)
    try:
        stream = await SCHEMA.stream(
            asked.query,
            variable_values=asked.variables,
            context_value=context,
            operation_name=asked.operation_name,
            allowed_operation_types=allowed,
        )
        async with aclosing(stream):
            is_first = True
            async for found in stream:
                if not is_first:
                    # The first was charged when the operation was admitted.
                    spend_cost(context, context.cost)
                explain(found)  # type: ignore[arg-type]  # nothing is delivered in parts
                result = show(found)  # type: ignore[arg-type]  # as above
                yield replace(result, extensions=describe_cost(context)) if result.ran else result
                if not result.ran:
                    return
                is_first = False
    except Exception as error:  # noqa: BLE001  # refusals, and what parsing raises: Strawberry does not catch it here
        fault = error if isinstance(error, GraphQLError) else GraphQLError(str(error), original_error=error)
        SCHEMA.process_errors([fault])
        yield show(ExecutionResult(data=None, errors=[fault]))


def format_result(found: ExecutionResult, *, reference: str, tells_names: bool) -> Result:
    """Return a result of the executor as JSON for the caller."""
    faults = found.errors or []
    ran = found.data is not None or any(error.path is not None for error in faults)
    if faults and isinstance(faults[0].original_error, WRONG_OPERATION):
        return Result(make_refusal_body([explain_wrong_operation(faults[0].original_error, method="GET")]), ran=False)
    body: dict[str, Any] = {"data": found.data} if ran else {}
    if faults:
        body = {"errors": format_errors(faults, reference=reference, tells_names=tells_names), **body}
    return Result(body, ran)
