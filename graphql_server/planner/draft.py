"""The state of one statement while it is written: the names of its rows, and what its text depends on."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Table
from sqlalchemy.sql import visitors

from db import ordered, paging
from db.json_text import Row
from db.models import Airing, Movie, Place, Session, find_table
from graphql_server.planner.binding import Bound

# The tables that may be read from a standby.
PROGRAMME_TABLES: Final = frozenset(find_table(model).name for model in (Movie, Place, Session, Airing))
# Parameters that are the same wherever they stand.
COMMON: Final = frozenset({"viewer", "base"})
PARAMETER: Final = re.compile(r"%\((\w+)\)s")


@dataclass(slots=True)
class Draft:
    """A statement that is being written."""

    bounds: Sequence[Bound]
    aliases: int = 0
    # Whether it may not be read from a standby.
    newest: bool = False
    # Whether PostgreSQL has to plan it for each set of values.
    varied: bool = False
    tables: set[str] = field(default_factory=set)

    def make_alias(self) -> str:
        """Return a name that the statement has nowhere else. Names of the document could be too long, or collide."""
        self.aliases += 1
        return f"t{self.aliases}"

    def narrow_statement(
        self, statement: Select[Any], row: Row, *, site: int | None = None, **more: ColumnElement[Any]
    ) -> str:
        """Return the text of a statement reduced to the columns that its row needs, and to `more`."""
        known = {each.key: each for each in statement.selected_columns}
        columns = [known[name] for name in row.needed] + [each.label(name) for name, each in more.items()]
        narrow = statement.with_only_columns(*(columns or [ordered.ONE]), maintain_column_froms=True)
        return self.compile_statement(narrow, site)

    def compile_statement(self, statement: Select[Any], site: int | None = None) -> str:
        """Return the text of a statement; its parameters get names of their site."""
        self.tables |= {each.name for each in visitors.iterate(statement) if isinstance(each, Table)}
        self.newest = self.newest or not self.tables <= PROGRAMME_TABLES
        text = paging.compile_sql(statement)
        return text if site is None else PARAMETER.sub(lambda found: name_parameter(found, site), text)


def name_parameter(found: re.Match[str], site: int) -> str:
    """Return a parameter under a name that no other site has."""
    return found[0] if found[1] in COMMON else f"%(p{site}_{found[1]})s"
