"""The statement of a page of a list: its rows between two cursors, those alone that match a search where there is one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    Select,
    and_,
    any_,
    bindparam,
    func,
    literal_column,
    not_,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

ONE: Final[ColumnElement[int]] = literal_column("1")
# A search is frequent if at least the second number of the first rows of a sample match; the first number is their count.
NEWEST: Final = (50, 3)
FIRST: Final = (100, 5)
# The most matches that are sorted.
FEW: Final[ColumnElement[int]] = literal_column("500")


class Search(NamedTuple):
    """A search of rows: their column of lexemes, the tsquery, and the tsquery of beginnings of words alone."""

    lexemes: ColumnElement[Any]
    query: ColumnElement[Any]
    beginnings: ColumnElement[Any]
    # The conditions that hold for every row of the list; an index may have those rows only.
    always: Sequence[ColumnElement[bool]] = ()

    @property
    def found(self) -> ColumnElement[bool]:
        """Whether a row matches, in the form that an index answers."""
        return self.lexemes.bool_op("@@")(self.query)


class Bounds(NamedTuple):
    """The size and direction of a page, and which cursors bound it."""

    size: int
    backwards: bool
    has_after: bool
    has_before: bool


@dataclass(frozen=True, slots=True)
class Ordered:
    """A list's one statement: what is in it, and by which columns it is in order (the last one makes it unique)."""

    statement: Select[Any]
    keys: tuple[ColumnElement[Any], ...]
    # The attributes of a row that hold its key; for most lists named as the columns.
    attributes: tuple[str, ...]
    descending: bool = False
    # Whether it depends on the values if few rows match or many.
    varied: bool = False
    # What else the rows must match. It is no part of the statement, because how it is best read depends on the page.
    search: Search | None = None

    @property
    def whole(self) -> Select[Any]:
        """The statement of all rows of the list, in no order."""
        return self.statement if self.search is None else self.statement.where(self.search.found)


def select_page(source: Ordered, bounded: Bounds, *, limit: int) -> Select[Any]:
    """Return the statement of the first `limit` rows between the cursors, in the order in which the page is read."""
    most: ColumnElement[int] = literal_column(str(limit))
    if source.search is None:
        return sort_page(
            source.statement.where(*compare_cursors(source, source.keys, bounded)), source, source.keys, bounded
        ).limit(most)
    # The ids first: so few rows are left that their columns cost nothing, and the statement stays one over the table.
    ids: UnaryExpression[Any] = UnaryExpression(
        select_candidates(source, source.search, bounded, most), operator=custom_op("ARRAY")
    )
    return sort_page(source.statement.where(source.keys[-1] == any_(ids)), source, source.keys, bounded).limit(most)


def select_candidates(source: Ordered, search: Search, bounded: Bounds, most: ColumnElement[int]) -> Any:
    """Return the ids of the rows of a page that match a search, read in whichever of two ways is short.

    A few matches are found by the index and sorted. Of many the page is read in the list's own order, and each row judged:
    the more match, the sooner it is full. So the cost does not grow with the number of matches. Which way it is, the
    statement finds out as it runs. PostgreSQL's planner cannot: it expects of every misspelling as many matches as of the
    rarest lexeme it has counted. And a plan that suits every query is made once for many requests.
    """
    frequent = select_frequency(source, search)
    few = select_keys(source).where(search.found, not_(frequent)).limit(FEW).cte("few")
    is_few = select(func.count() < FEW).select_from(few).scalar_subquery()
    columns = [few.c[f"key_{place}"] for place in range(len(source.keys))]
    found = sort_page(
        select(*columns).where(is_few, *compare_cursors(source, columns, bounded)), source, columns, bounded
    )
    # Within coalesce() no index answers it.
    judged = func.coalesce(search.found, literal_column("false"))
    scanned = select_keys(source).where(
        or_(frequent, not_(is_few)), judged, *compare_cursors(source, source.keys, bounded)
    )
    both = union_all(found.limit(most), sort_page(scanned, source, source.keys, bounded).limit(most)).subquery("found")
    return select(both.c[f"key_{len(source.keys) - 1}"]).scalar_subquery()


def select_frequency(source: Ordered, search: Search) -> Any:
    """Return the SQL of whether a search is frequent: then reading the list in order fills a page sooner than the index does.

    Both samples must say so. The matches of a rare word may all be at the start of the list, where they do not fill a page,
    and the whole list would be read. A word that many of the newest rows have may be at the far end of the list.
    PostgreSQL reads the second sample only where the first one has enough matches.
    """
    samples = [select_sample(search, source.keys, FIRST, falling=source.descending)]
    if not search.always:
        # Of a list that leaves rows out, few of the newest rows may be in it.
        samples.insert(0, select_sample(search, source.keys[-1:], NEWEST, falling=True))
    frequent: CTE = select(and_(*samples).label("frequent")).cte("frequency")
    return select(frequent.c.frequent).scalar_subquery()


def select_sample(search: Search, keys: Sequence[ColumnElement[Any]], size: tuple[int, int], *, falling: bool) -> Any:
    """Return the SQL of whether enough of the first rows in the order of the keys match.

    It looks at beginnings alone: a search that has many matches has them by those, and they are judged ten times as fast.
    """
    rows, enough = (literal_column(str(number), Integer) for number in size)
    way = (key.desc() if falling else key.asc() for key in keys)
    sample = select(search.lexemes.label("lexemes")).where(*search.always).order_by(*way).limit(rows).subquery("sample")
    matches = sample.c.lexemes.bool_op("@@")(search.beginnings)
    return select(func.count() >= enough).select_from(sample).where(matches).scalar_subquery()


def select_keys(source: Ordered) -> Select[Any]:
    """Return the statement of a list with the columns of its order alone."""
    keys = [key.label(f"key_{place}") for place, key in enumerate(source.keys)]
    return source.statement.with_only_columns(*keys, maintain_column_froms=True)


def compare_cursors(source: Ordered, keys: Sequence[ColumnElement[Any]], bounded: Bounds) -> list[ColumnElement[bool]]:
    """Return the keyset predicates of the page's cursors, on columns that hold the keys."""
    after = [compare_keys(keys, "after", larger=not source.descending)] if bounded.has_after else []
    before = [compare_keys(keys, "before", larger=source.descending)] if bounded.has_before else []
    return after + before


def compare_keys(keys: Sequence[ColumnElement[Any]], side: str, *, larger: bool) -> ColumnElement[bool]:
    """Return the keyset predicate: a comparison of whole rows, which an index over the same columns answers."""
    values = [bindparam(f"{side}_{place}", type_=key.type) for place, key in enumerate(keys)]
    return tuple_(*keys) > tuple_(*values) if larger else tuple_(*keys) < tuple_(*values)


def sort_page(
    statement: Select[Any], source: Ordered, keys: Sequence[ColumnElement[Any]], bounded: Bounds
) -> Select[Any]:
    """Return a statement in the order in which a page is read, by columns that hold the keys."""
    falling = source.descending is not bounded.backwards
    return statement.order_by(*(key.desc() if falling else key.asc() for key in keys))
