"""How values that GraphQL does not know by itself are spelled."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import strawberry
from strawberry.types.scalar import ScalarDefinition

from domain import instants
from domain.errors import InvalidDate

LONGEST: Final = 50
OFFSET: Final = "must be an ISO 8601 instant with an offset or Z, such as 2026-11-20T18:30:00Z"


def parse_instant(value: Any) -> datetime:
    """Return the instant that a text names; raise InvalidDate where it has no offset or is none at all."""
    try:
        return instants.read(value)
    except (TypeError, ValueError, OverflowError):
        raise InvalidDate(field=value[:LONGEST] if isinstance(value, str) else "DateTime", problem=OFFSET) from None


SCALARS: Final[dict[object, ScalarDefinition]] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="ISO 8601 instant. Output is always UTC with a Z: 2026-11-20T18:30:00Z. Input needs an offset or Z.",
        serialize=instants.spell,
        parse_value=parse_instant,
        specified_by_url="https://scalars.graphql.org/andimarek/date-time",
    ),
    UUID: strawberry.scalar(
        name="UUID",
        description="A UUID in its canonical spelling, as in RFC 9562.",
        serialize=str,
        parse_value=UUID,
        specified_by_url="https://www.rfc-editor.org/rfc/rfc9562",
    ),
}
