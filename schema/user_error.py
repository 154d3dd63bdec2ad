"""Refusals as GraphQL shows them: data in a payload where the caller can mend it, the answer's own errors otherwise."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import strawberry

import errors
from errors import Refusal, Refusals, flatten_refusals
from schema.error_code import ErrorCode

P = TypeVar("P")


@strawberry.interface(description="Why a mutation was refused.")
class UserError:
    """What all kinds have in common."""

    code: ErrorCode = strawberry.field(description="What programs go by.")
    message: str = strawberry.field(description="What people read.")
    path: list[str] = strawberry.field(
        description='Path into the mutation\'s arguments: ["input", "seats"]; empty where no single field is at fault.'
    )


@strawberry.type(description="What the caller wrote is wrong: INVALID_*, MISSING_FIELD, UNKNOWN_FIELD, WEAK_PASSWORD.")
class InvalidInput(UserError):
    """Mend the field that `path` leads to."""


@strawberry.type(description="What it was about is not there.")
class NotFound(UserError):
    """Every *_NOT_FOUND."""


@strawberry.type(description="The state of things does not allow it.")
class Conflict(UserError):
    """All that has no type of its own."""


@strawberry.type(description="The session, event or show has not as many seats or tickets left.")
class SeatsUnavailable(UserError):
    """Ask for fewer."""

    seats_available: int = strawberry.field(description="How many more could have been had.")


@strawberry.type(description="A third party does not answer.")
class UpstreamUnavailable(UserError):
    """Try again later."""


KINDS: Final[tuple[tuple[type[Refusal], type[UserError]], ...]] = (
    (errors.UpstreamUnavailable, UpstreamUnavailable),
    (errors.SeatsUnavailable, SeatsUnavailable),
    (errors.Invalid, InvalidInput),
    (errors.NotFound, NotFound),
    (errors.Conflict, Conflict),
)
# Not for the caller to mend by another input: the mutation may not be called at all, or not now.
TOP_LEVEL: Final = (errors.Barred, errors.Malformed, errors.Unavailable, errors.OutcomeUnknown, errors.Internal)


async def answered(payload: Callable[..., P], asked: Awaitable[Any], *names: str) -> P:
    """Return the payload with what was asked for under `names`, or null and why it was refused."""
    try:
        made = await asked
    except (Refusal, Refusals) as raised:
        faults = flatten_refusals(raised)
        if any(isinstance(fault, TOP_LEVEL) for fault in faults):
            raise
        return payload(**dict.fromkeys(names), errors=[user_error(fault) for fault in faults])
    values = made if len(names) > 1 else (made,)
    return payload(**dict(zip(names, values, strict=True)), errors=[])


def user_error(fault: Refusal) -> UserError:
    """Return a refusal as data."""
    kind = next(shown for refused, shown in KINDS if isinstance(fault, refused))
    more = {"seats_available": fault.words["seats_available"]} if kind is SeatsUnavailable else {}
    return kind(code=ErrorCode[fault.code], message=str(fault), path=list(fault.path), **more)
