"""How the fields of the schema read, by type and field; a field that is not here, and is no column, is not planned."""

from typing import Final

from graphql_server.planner.declarations import accounts, analytics, catalogue, ticketing
from graphql_server.planner.declarations.common import VIEWER
from graphql_server.planner.reads import Kind, Reads

__all__ = ["FIELDS", "KINDS", "KINDS_BY_PREFIX", "VIEWER"]

FIELDS: Final[dict[tuple[str, str], Reads]] = {
    **catalogue.FIELDS,
    **accounts.FIELDS,
    **ticketing.FIELDS,
    **analytics.FIELDS,
}
KINDS: Final[dict[str, Kind]] = {**catalogue.KINDS, **accounts.KINDS, **ticketing.KINDS, **analytics.KINDS}
KINDS_BY_PREFIX: Final = {kind.prefix: name for name, kind in KINDS.items() if kind.prefix}
