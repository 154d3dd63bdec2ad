"""What several lists filter by: words and symbols of a search, and which filters PostgreSQL plans for each value."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Text, bindparam, cast, func, literal_column, select
from sqlalchemy.dialects.postgresql import TSQUERY

from db import search
from db.ordered import Search
from db.paging import Listing

Names = frozenset[str]

# Filters whose selectivity depends on the value: one value matches half of the rows, another none. They are planned each time.
VARIED: Final = frozenset({"genre", "genres", "airing_from", "symbols", "path"})


def make_searchable(
    name: str, model: Any, build: Any, values: dict[str, Any], *, search_for: str | None, sort: str
) -> Listing[Any]:
    """Return a list with a search: for the words, for the symbols where there are no words, and none where it is blank."""
    words = tuple(search.read_words(search_for or ""))
    if not words:
        return Listing(name, model, build, {**values, "symbols": search.read_symbols(search_for or "") or None}, sort)
    derived = {"query": search.write_query(words), "beginnings": search.write_beginnings(words)}
    return Listing(name, model, build, {**values, "search": " ".join(words)}, sort, derived=derived)


def filter_by_symbols(statement: Select[Any], names: Names, text: ColumnElement[Any]) -> Select[Any]:
    """Return the statement with the search for symbols, if there is one.

    There is no index on symbols: such searches are rare, and read the list in its own order.
    """
    if "symbols" not in names:
        return statement
    return statement.where(func.strpos(text, cast(bindparam("symbols"), Text)) > literal_column("0"))


def search_words(names: Names, lexemes: ColumnElement[Any], *always: ColumnElement[bool]) -> Search | None:
    """Return the search for words, if there is one, in a list of rows for which some conditions always hold."""
    if "search" not in names:
        return None
    query, beginnings = (cast(bindparam(name), TSQUERY) for name in ("query", "beginnings"))
    # In a SELECT of its own PostgreSQL's planner does not look into it. It would expect far too many matches of misspellings.
    return Search(lexemes, select(query).scalar_subquery(), beginnings, always)
