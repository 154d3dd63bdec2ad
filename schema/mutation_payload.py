"""What all mutations have in common: one argument, one payload, and loaders that are renewed."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

import strawberry

from schema.connection import Info
from schema.user_error import UpstreamUnavailable, answered

P = TypeVar("P")


def about(what: str) -> Any:
    """Return the description of the one argument that every mutation has."""
    return strawberry.argument(description=what)


async def changed(info: Info, payload: Callable[..., P], asked: Awaitable[Any], *names: str) -> P:
    """Return the payload of a mutation; what else the request reads comes from the primary, read anew."""
    answer: Any = await answered(payload, asked, *names)
    if any(isinstance(error, UpstreamUnavailable) for error in answer.errors):
        info.context.is_settled = False
    info.context.renew()
    return cast("P", answer)
