"""Writes connections. The rows of a page are read once, however many fields of the connection use them."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, bindparam, case, literal_column

from db import paging
from db.json_text import UNANSWERED_SQL, Literal, Piece, Row, Sql, join_pieces, spell_key, spell_plain
from db.ordered import Ordered, select_page
from graphql_server.planner.binding import Bound
from graphql_server.planner.draft import Draft
from graphql_server.planner.json_text import CURSOR_END, CURSOR_START, write_members
from graphql_server.planner.outline import Field, Object
from resolvers.planned_reads import VIEWER

# Writes the JSON text of the object that is selected of a row.
WriteObject = Callable[[Row, Object], list[Piece]]


def write_page(
    draft: Draft, parent: Row | None, field: Field, *, write_object: WriteObject, is_private: bool
) -> list[Piece]:
    """Return the JSON text of a connection; `parent` is the row that has its list."""
    site = field.site
    if site is None or field.below is None:
        raise TypeError(f"{field.key} is no connection")
    bound = draft.bounds[site]
    source = build_list(bound, parent, is_private=is_private)
    writer = PageWriter(draft, write_object, site, bound, source, Row(draft.make_alias()), parent)
    return writer.write_connection(field.below)


def build_list(bound: Bound, parent: Row | None, *, is_private: bool) -> Ordered:
    """Return the statement of a list, in which a parent's id is a column of the statement around it."""
    listing = bound.listing
    if listing is None:
        raise TypeError("a page needs a list")

    def value(name: str) -> ColumnElement[Any]:
        if parent is not None and name == listing.parent:
            identity: ColumnElement[int] = literal_column(parent["id"], BigInteger)
            # No row belongs to user 0.
            return case((identity == VIEWER, identity), else_=literal_column("0")) if is_private else identity
        return bindparam(name)

    made: Ordered = listing.build(listing.names, listing.sort, value)
    return made


@dataclass(slots=True)
class PageWriter:
    """Writes one connection. Its rows are read into an array of texts, `cells` for each row."""

    draft: Draft
    write_object: WriteObject
    site: int
    bound: Bound
    source: Ordered
    item: Row
    parent: Row | None
    cells: list[str] = dataclasses.field(default_factory=list)
    # The cell of each list that is selected, by its response key.
    places: dict[str, int] = dataclasses.field(default_factory=dict)
    # The cell of the rows' cursors, and whether one row more is read to find out about another page.
    cursors: int | None = None
    looks_further: bool = False

    def write_connection(self, selected: Object) -> list[Piece]:
        """Return the text of the connection."""
        self.draft.varied = self.draft.varied or self.source.varied
        for each in selected.fields:
            self.survey(each)
        if not self.cells and not self.looks_further:
            return self.write_part(selected, "")
        if len(self.cells) == len(self.places) == 1 and not self.looks_further:
            return self.write_part(selected, self.write_rows())
        array = f"{self.item.alias}p"
        text = join_pieces(self.write_part(selected, f"{array}.a"))
        # Without OFFSET PostgreSQL copies the array to each place that uses it, and reads the rows again.
        return [Sql(f"(SELECT {text} FROM (SELECT {self.write_rows()} AS a OFFSET 0) AS {array})")]

    def survey(self, field: Field) -> None:
        """Add what a field needs of each row."""
        match field.name:
            case "nodes":
                self.add_cell(field, self.write_object(self.item, expect_selection(field)))
            case "edges":
                self.add_cell(field, self.write_edge(expect_selection(field)))
            case "pageInfo":
                for each in expect_selection(field).fields:
                    self.survey_info(each.name)

    def add_cell(self, field: Field, pieces: list[Piece]) -> None:
        """Add a cell for a list."""
        self.places[field.key] = len(self.cells) + 1
        self.cells.append(join_pieces(pieces))

    def survey_info(self, name: str) -> None:
        """Add what a field of `pageInfo` needs."""
        if name in ("startCursor", "endCursor") and self.cursors is None:
            self.cursors = len(self.cells) + 1
            self.cells.append(join_pieces(self.write_cursor()))
        self.looks_further = self.looks_further or name == self.unknown_side

    @property
    def backwards(self) -> bool:
        """Whether the page is read from the end of the list."""
        return self.bound.window.backwards

    @property
    def unknown_side(self) -> str:
        """The field of `pageInfo` for which one row more is read."""
        return "hasPreviousPage" if self.backwards else "hasNextPage"

    def write_part(self, selected: Object, array: str) -> list[Piece]:
        """Return the connection or its `pageInfo`, given the SQL of its array of rows."""
        return write_members(selected.fields, lambda each: self.write_value(selected.kind.name, each, array))

    def write_value(self, kind: str, field: Field, array: str) -> list[Piece]:
        """Return the value of a field of the connection or of its `pageInfo`."""
        match field.name:
            case "__typename":
                return [Literal(f'"{kind}"')]
            case "nodes" | "edges":
                return self.write_list(self.places[field.key], array)
            case "totalCount":
                counted = self.draft.compile_statement(paging.select_count(self.source), self.site)
                return [Sql(f"({counted})::text")]
            case "pageInfo":
                return self.write_part(expect_selection(field), array)
            case "startCursor" | "endCursor":
                return [self.write_end_cursor(array, is_first=field.name == "startCursor")]
            case _:
                return [self.write_has_more(field.name, array)]

    def write_has_more(self, name: str, array: str) -> Piece:
        """Return whether there are more rows on one side: known by a cursor on that side, or by the row more."""
        if name == self.unknown_side:
            return Sql(f"({write_length(array)} > {self.bound.window.size})::text")
        known = self.bound.window.before if self.backwards else self.bound.window.after
        return Literal("false" if known is None else "true")

    def write_list(self, cell: int, array: str) -> list[Piece]:
        """Return the JSON list of one cell of each row."""
        first, last = self.find_slice(array)
        rows = f"{array}[{first}:{last}]" if self.looks_further or len(self.cells) > 1 else array
        if len(self.cells) > 1:
            rows += f"[{cell}:{cell}]"
        return [Literal("["), Sql(f"array_to_string({rows}, ',', {UNANSWERED_SQL})"), Literal("]")]

    def find_slice(self, array: str) -> tuple[str, str]:
        """Return the SQL of the first and the last place of the page among the rows that were read."""
        size = self.bound.window.size
        if not self.looks_further:
            return "1", write_length(array)
        if self.backwards:
            return f"greatest({write_length(array)} - {size}, 0) + 1", write_length(array)
        return "1", f"least({write_length(array)}, {size})"

    def write_end_cursor(self, array: str, *, is_first: bool) -> Piece:
        """Return the cursor of the first or the last row, null without rows."""
        first, last = self.find_slice(array)
        cell = f"{array}[{first if is_first else last}]" + (f"[{self.cursors}]" if len(self.cells) > 1 else "")
        return Sql(f"CASE WHEN {write_length(array)} = 0 THEN 'null' ELSE {cell} END")

    def write_edge(self, selected: Object) -> list[Piece]:
        """Return the text of an edge."""
        return write_members(selected.fields, lambda each: self.write_edge_value(selected.kind.name, each))

    def write_edge_value(self, kind: str, field: Field) -> list[Piece]:
        """Return the value of a field of an edge."""
        match field.name:
            case "__typename":
                return [Literal(f'"{kind}"')]
            case "cursor":
                return self.write_cursor()
            case _:
                return self.write_object(self.item, expect_selection(field))

    def write_cursor(self) -> list[Piece]:
        """Return the input of a cursor, which Python signs: the list, its parent, and the row's key as JSON."""
        parent = [] if self.parent is None else [Sql(spell_plain(self.parent["id"]))]
        pieces: list[Piece] = [Literal(f'"{CURSOR_START}{self.site}:'), *parent, Literal(":[")]
        for place, key in enumerate(self.source.keys):
            pieces += [Literal("," if place else ""), Sql(spell_key(key, f"{self.item.alias}.k{place}"))]
        return [*pieces, Literal(f']{CURSOR_END}"')]

    def write_rows(self) -> str:
        """Return the SQL of the array: in the list's order, whichever end is read."""
        size = self.bound.window.size + int(self.looks_further)
        limited = select_page(self.source, paging.make_bounds(self.bound.window), limit=size)
        keys = {f"k{place}": key for place, key in enumerate(self.source.keys)}
        inner = self.draft.narrow_statement(limited, self.item, site=self.site, **keys)
        way = " DESC" if self.source.descending else ""
        order = ", ".join(f"{self.item.alias}.{name}{way}" for name in keys)
        cells = self.cells or ["''"]
        one = cells[0] if len(cells) == 1 else f"ARRAY[{', '.join(cells)}]"
        return f"ARRAY(SELECT {one} FROM ({inner}) AS {self.item.alias} ORDER BY {order})"


def write_length(array: str) -> str:
    """Return the SQL of the number of rows."""
    return f"coalesce(array_length({array}, 1), 0)"


def expect_selection(field: Field) -> Object:
    """Return what is selected of a field's object."""
    if field.below is None:
        raise TypeError(f"{field.key} has no fields")
    return field.below
