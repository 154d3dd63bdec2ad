"""How values that GraphQL does not know by itself are spelled."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import strawberry
from strawberry.types.scalar import ScalarDefinition

from db import ids
from domain import instants
from domain.errors import InvalidDate, InvalidInput

LONGEST: Final = 50
A_UUID: Final = "must be a UUID such as 57baf4f4-c9ef-4197-9e4f-acf04eae5b4d"
OFFSET: Final = "must be an ISO 8601 instant with an offset or Z, such as 2026-11-20T18:30:00Z"


def parse_instant(value: Any) -> datetime:
    """Return the instant that a text names; raise InvalidDate where it has no offset or is none at all."""
    try:
        return instants.read(value)
    except (TypeError, ValueError, OverflowError):
        raise InvalidDate(field=value[:LONGEST] if isinstance(value, str) else "DateTime", problem=OFFSET) from None


def parse_uuid(value: Any) -> UUID:
    """Return the UUID that a text spells; raise InvalidInput on any other spelling than the usual one."""
    if not isinstance(value, str) or not ids.UUID_SPELLING.fullmatch(value):
        raise InvalidInput(field=value[:LONGEST] if isinstance(value, str) else "UUID", problem=A_UUID)
    return UUID(value)


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
        parse_value=parse_uuid,
        specified_by_url="https://www.rfc-editor.org/rfc/rfc9562",
    ),
}
