"""The errors of payloads: the kind of a refusal decides their type."""

from typing import Final

import strawberry

import errors
from errors import Refusal
from resolvers.mutation_field import PayloadError
from schema.error_code import ErrorCode


@strawberry.interface(description="Why a mutation was refused.")
class UserError:
    """The source is a PayloadError."""

    code: ErrorCode = strawberry.field(description="What programs go by.")
    message: str = strawberry.field(description="What people read.")
    path: list[str] = strawberry.field(
        description='Path into the mutation\'s arguments: ["input", "seats"]; empty where no single field is at fault.'
    )

    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        """Whether a refusal is of this type."""
        return isinstance(source, PayloadError) and find_error_type(type(source.refusal)) is cls


@strawberry.type(
    description="What the caller wrote is wrong: INVALID_*, MISSING_FIELD, UNKNOWN_FIELD, WEAK_PASSWORD. Correct the field "
    "that `path` leads to."
)
class InvalidInput(UserError):
    """Refusals of the kind Invalid."""


@strawberry.type(description="Every *_NOT_FOUND: what `path` names does not exist for the caller.")
class NotFound(UserError):
    """Refusals of the kind NotFound."""


@strawberry.type(description="The present state does not allow it. Every code that no other type carries.")
class Conflict(UserError):
    """Refusals of the kind Conflict, apart from SeatsUnavailable."""


@strawberry.type(description="The session, event or show has fewer seats or tickets left than requested.")
class SeatsUnavailable(UserError):
    """The refusal of that name."""

    seats_available: int = strawberry.field(description="How many more could have been had.")


@strawberry.type(description="A third party does not answer. Try again later.")
class UpstreamUnavailable(UserError):
    """The refusal of that name."""


# The first that fits decides.
KINDS: Final[tuple[tuple[type[Refusal], type[UserError]], ...]] = (
    (errors.UpstreamUnavailable, UpstreamUnavailable),
    (errors.SeatsUnavailable, SeatsUnavailable),
    (errors.Invalid, InvalidInput),
    (errors.NotFound, NotFound),
    (errors.Conflict, Conflict),
)


def find_error_type(refusal: type[Refusal]) -> type[UserError] | None:
    """Return the type of a kind of refusal, None for one that no payload carries."""
    return next((carrier for kind, carrier in KINDS if issubclass(refusal, kind)), None)
