"""Scalars beyond GraphQL's own: DateTime, UUID and Decimal."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import strawberry
from strawberry.types.scalar import ScalarDefinition

from db import ids
from domain import instants
from errors import InvalidDate, InvalidInput

A_UUID: Final = "must be a UUID such as 57baf4f4-c9ef-4197-9e4f-acf04eae5b4d"
MOST_DIGITS: Final = 100
# As JSON writes numbers; Python would also read underscores, white space and other alphabets' digits.
DECIMAL: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?")
OFFSET: Final = "must be an ISO 8601 instant with an offset or Z, such as 2026-11-20T18:30:00Z"


def parse_instant(value: Any) -> datetime:
    """Return the instant that a text names; raise InvalidDate where it has no offset, or there is no such instant."""
    try:
        return instants.read(value)
    except instants.NotThereError:
        raise InvalidDate(field="DateTime", problem=instants.NOT_THERE) from None
    except (TypeError, ValueError):
        raise InvalidDate(field="DateTime", problem=OFFSET) from None


def parse_uuid(value: Any) -> UUID:
    """Return the UUID that a text spells; raise InvalidInput on any other spelling than the usual one."""
    if not isinstance(value, str) or not ids.UUID_SPELLING.fullmatch(value):
        raise InvalidInput(field="UUID", problem=A_UUID)
    return UUID(value)


def parse_decimal(value: Any) -> Decimal:
    """Return the number that a text or a number names; raise InvalidInput where it is none, or not finite."""
    number = Decimal(str(value)) if DECIMAL.fullmatch(str(value)) else Decimal("NaN")
    if not number.is_finite() or abs(number.adjusted()) > MOST_DIGITS:
        raise InvalidInput(field="Decimal", problem='must be a decimal number such as "24.50"')
    return number


def spell_decimal(value: Decimal) -> str:
    """Return a number without an exponent, with every digit that it has."""
    return f"{value:f}"


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
    Decimal: strawberry.scalar(
        name="Decimal",
        description='Decimal number as a string, exact: "24.50".',
        serialize=spell_decimal,
        parse_value=parse_decimal,
    ),
}
