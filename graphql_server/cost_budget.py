"""What operations cost their callers: the most that one may cost, and what all may cost in a span of time."""

from typing import Any, Final

from graphql_server.document_limits import require
from resolvers.context import Context

COST: Final = "cost"
WHAT: Final = "points of cost in one operation"


def spend_cost(context: Context, cost: int) -> None:
    """Take the cost of an operation from its caller's budget.

    Raise QueryTooCostly where it could never be had, RateLimited where it is more than is left now.
    """
    limits = context.services.settings.limits
    if cost > limits.operation_cost:
        require(cost, limits.operation_cost, WHAT, "OPERATION_COST")
    context.cost = cost
    rate = limits.cost
    if rate is None:
        return
    if cost > rate.amount:
        require(cost, rate.amount, WHAT, "COST")
    caller = f"of {context.actor.user_id}" if context.actor else f"from {context.visitor.address}"
    context.visitor.count(context.services.rate_windows, COST, caller, rate, cost)


def describe_cost(context: Context) -> dict[str, Any]:
    """Return the `extensions` of an answer: what it cost, and what is left."""
    limits, quota = context.services.settings.limits, context.visitor.quotas.get(COST)
    cost: dict[str, int] = {"requested": context.cost, "operationLimit": limits.operation_cost}
    if quota is not None:
        cost |= {"limit": quota.rate.amount, "remaining": quota.left, "resetSeconds": quota.seconds}
    return {"cost": cost}
