"""The query of a visited page: clients send a map, the database stores pairs."""

from collections.abc import Mapping, Sequence
from typing import Final

from typing_extensions import TypeAliasType

from domain.page_view import LONGEST_PATH, MOST_QUERY_PARAMETERS
from errors import InvalidInput
from rest.payloads import NUL, Unfit

QueryScalar = TypeAliasType("QueryScalar", str | int | float | bool | None)
QueryValue = TypeAliasType("QueryValue", QueryScalar | list[QueryScalar])
Pairs = tuple[tuple[str, str], ...]

TOO_MANY: Final = f"must have at most {MOST_QUERY_PARAMETERS} values"
TOO_LONG: Final = f"must have names and values of at most {LONGEST_PATH} characters"


def flatten_query(query: Mapping[str, QueryValue]) -> Pairs:
    """Return names and values in their order; a list is its name several times."""
    return tuple((name, format_value(value)) for name, values in query.items() for value in list_values(values))


def list_values(values: QueryValue) -> Sequence[QueryScalar]:
    """Return the values of one name."""
    return values if isinstance(values, list) else [values]


def format_value(value: QueryScalar) -> str:
    """Return a value as an address would have it; null is the empty string."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def check_query(query: dict[str, QueryValue]) -> dict[str, QueryValue]:
    """Return the query; raise Unfit where it has too many or too long values, or the character NUL."""
    found = flatten_query(query)
    if len(found) > MOST_QUERY_PARAMETERS:
        raise Unfit(InvalidInput, problem=TOO_MANY)
    if any(max(len(name), len(value)) > LONGEST_PATH for name, value in found):
        raise Unfit(InvalidInput, problem=TOO_LONG)
    if any(NUL in name or NUL in value for name, value in found):
        raise Unfit(InvalidInput, problem="must not contain the character NUL")
    return query
