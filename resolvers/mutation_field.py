"""Makes mutation fields: the result or the refusals of a function become the payload."""

from collections.abc import Callable
from dataclasses import dataclass, make_dataclass
from functools import cache
from typing import Any, Final

import strawberry
from strawberry.extensions.field_extension import AsyncExtensionResolver, FieldExtension
from strawberry.types.field import StrawberryField
from strawberry.types.info import Info
from strawberry.utils.str_converters import to_camel_case

from edge.services import SharedCommits
from errors import (
    Barred,
    Internal,
    Malformed,
    NotFound,
    OutcomeUnknown,
    Refusal,
    Refusals,
    Unavailable,
    UpstreamUnavailable,
    flatten_refusals,
)
from resolvers.context import Context
from resolvers.field_metadata import CHANGE, declare

# Refusals that other input would not correct: the caller may not use the mutation at all, or not now.
TOP_LEVEL: Final = (Barred, Malformed, Unavailable, OutcomeUnknown, Internal)


@dataclass(frozen=True, slots=True)
class PayloadError:
    """A refusal in a payload. The refusal itself is an exception, which the executor would raise."""

    refusal: Refusal
    path: tuple[str, ...]

    @property
    def code(self) -> str:
        """The code, for programs."""
        return self.refusal.code

    @property
    def message(self) -> str:
        """The message, for people."""
        return str(self.refusal)

    @property
    def seats_available(self) -> object:
        """How many seats or tickets are left; for SeatsUnavailable only."""
        return self.refusal.words["seats_available"]


class PayloadExtension(FieldExtension):
    """Puts the result of a mutation, or its refusals, into its payload.

    Later reads of the request come from the primary, without what was read before.
    """

    def __init__(self, *names: str) -> None:
        """Take the names of the payload's fields, in the order in which the mutation returns them."""
        self.names = names
        self.payload = make_payload_class(names)

    def apply(self, field: StrawberryField) -> None:
        """Give the argument of a mutation the description of its type."""
        for argument in field.arguments:
            definition = getattr(argument.type, "__strawberry_definition__", None)
            argument.description = definition.description if definition else None

    async def resolve_async(self, next_: AsyncExtensionResolver, source: Any, info: Info, **arguments: Any) -> Any:
        """Return the payload; raise refusals that no payload carries."""
        try:
            result = await next_(source, info, **arguments)
        except (Refusal, Refusals) as raised:
            return self.make_refused_payload(raised, info.context, arguments.get("input"))
        finally:
            info.context.renew()
        return self.payload(*(result if len(self.names) > 1 else (result,)), [])

    def make_refused_payload(self, raised: Refusal | Refusals, context: Context, argument: object) -> Any:
        """Return the payload of a mutation that was refused; raise refusals that no payload carries."""
        refusals = flatten_refusals(raised)
        if any(isinstance(refusal, TOP_LEVEL) for refusal in refusals):
            raise raised
        context.is_settled &= not any(isinstance(refusal, UpstreamUnavailable) for refusal in refusals)
        errors = [PayloadError(refusal, find_path(refusal, argument)) for refusal in refusals]
        return self.payload(*(None for _ in self.names), errors)


@cache
def make_payload_class(names: tuple[str, ...]) -> Any:
    """Return the class of payloads with these results. Payloads are not compared or shown: making that is most of the work."""
    namespace = {"__doc__": "The results and the errors of a mutation."}
    return make_dataclass("Payload", (*names, "errors"), namespace=namespace, repr=False, eq=False)


def find_path(refusal: Refusal, argument: object) -> tuple[str, ...]:
    """Return the path to the field at fault, also where an id leads nowhere.

    The domain raises MOVIE_NOT_FOUND without a path, because it does not know the name of the field: `movieId` where an
    input has several ids, `id` where it has one.
    """
    if not isinstance(refusal, NotFound) or refusal.path:
        return refusal.path
    noun = refusal.code.removesuffix("_NOT_FOUND").lower()
    names = [name for name in (f"{noun}_id", noun, "id") if hasattr(argument, name)]
    return ("input", to_camel_case(names[0])) if names else ()


def mutation(
    payload: type, *names: str, description: str, codes: str = "", shares: SharedCommits | None = None
) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator that makes a mutation of a function; its results become the payload's fields of these names.

    `codes` are those that its payload may carry; clients read them in the description. `shares` are the commits by which
    the function makes its change, where that is all that it does.
    """
    declared: Any = payload
    refusals = f" Refused with: {codes}." if codes else ""
    made: Callable[[Callable[..., Any]], Any] = strawberry.mutation(
        graphql_type=declared | None,
        description=description + refusals,
        extensions=[PayloadExtension(*names)],
        metadata=declare(cost=CHANGE, shares=shares),
    )
    return made
