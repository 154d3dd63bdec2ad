"""Writes the one SQL statement of an operation, for one shape of its variables."""

import re
from dataclasses import dataclass
from typing import Any, Final

from graphql import GraphQLOutputType, is_non_null_type
from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, literal_column, select

from db import selects
from db.json_text import UNANSWERED, UNANSWERED_SQL, Literal, Piece, Row, Sql, join_pieces, merge_pieces, spell_plain
from db.models import User
from db.pipeline import Statement
from db.programme_changes import PARTS, ProgrammePart
from graphql_server.field_declarations import find_node_class
from graphql_server.planner.draft import PARAMETER, Draft
from graphql_server.planner.json_text import spell_value, write_members
from graphql_server.planner.outline import TYPENAME, Field, Object, Outline
from graphql_server.planner.pages import expect_selection, write_page
from graphql_server.planner.programs import Program
from resolvers.planned_reads import (
    VIEWER,
    GlobalId,
    ListPage,
    ManyRows,
    NodeRow,
    OneRow,
    RowById,
    SameRow,
    SqlValue,
    ViewerRow,
)

NULL: Final = Literal("null")
# Columns of movies that change with each rating.
RATINGS: Final = re.compile(r"\brating(_order|_count|_sum)?\b")
# The only comparison with the clock that a cached answer may depend on; db/programme_changes.py watches it.
CLOCK: Final = "clock_timestamp()"
ENDED: Final = f"airings.last_ends_at > {CLOCK}"


@dataclass(slots=True)
class StatementWriter:
    """Writes one statement."""

    draft: Draft
    signed_in: bool
    # Whether the statement reads from a standby, where a row that the primary has may be missing.
    may_lag: bool

    def write_program(self, outline: Outline) -> Program:
        """Return the statement of an operation."""
        pieces = merge_pieces(self.write_object(None, outline.root))
        if len(pieces) == 1 and isinstance(pieces[0], Literal):
            return Program(Statement(b""), (), newest=False, constant=pieces[0].encode())
        text = f"SELECT {join_pieces(pieces)}"
        places = {name: place for place, name in enumerate(dict.fromkeys(PARAMETER.findall(text)), start=1)}
        numbered = PARAMETER.sub(lambda found: f"${places[found[1]]}", text).replace("%%", "%")
        return Program(
            Statement(numbered.encode(), is_planned_each_time=self.draft.varied),
            tuple(places),
            self.draft.newest,
            parts=frozenset() if self.draft.newest or "viewer" in places else find_parts(text, self.draft.tables),
        )

    def write_object(self, row: Row | None, selected: Object) -> list[Piece]:
        """Return the JSON text of an object."""
        return write_members(selected.fields, lambda each: self.write_field(row, selected.kind.name, each))

    def write_field(self, row: Row | None, kind: str, field: Field) -> list[Piece]:
        """Return the JSON text of a field's value."""
        if field.name == TYPENAME:
            return [Literal(f'"{kind}"')]
        return self.write_root_field(field) if row is None else self.write_row_field(row, kind, field)

    def write_row_field(self, row: Row, kind: str, field: Field) -> list[Piece]:
        """Return a field of a row."""
        match field.reads:
            case SqlValue() as value:
                return [self.write_scalar(row, field, value)]
            case GlobalId(prefix):
                return [Literal(f'"{prefix}_'), Sql(spell_plain(row["id"])), Literal('"')]
            case SameRow() as part:
                return self.write_part(row, field, part)
            case OneRow() as one:
                return [self.write_one(row, field, one)]
            case ManyRows() as items:
                return self.write_items(row, field, items)
            case ListPage() as page:
                return self.write_page(row, field, page)
        raise TypeError(f"{kind}.{field.name} cannot be read from a row")

    def write_scalar(self, row: Row, field: Field, reads: SqlValue) -> Piece:
        """Return the text of a scalar."""
        self.draft.newest = self.draft.newest or reads.newest
        value = reads.write(row)
        return Sql(value if reads.is_text else spell_value(expect_type(field), value))

    def write_part(self, row: Row, field: Field, part: SameRow) -> list[Piece]:
        """Return an object that is made of the same row."""
        pieces = self.write_object(row, expect_selection(field))
        if part.unless_null is None:
            return pieces
        return [Sql(f"CASE WHEN {row[part.unless_null]} IS NULL THEN 'null' ELSE {join_pieces(pieces)} END")]

    def write_one(self, row: Row, field: Field, one: OneRow) -> Piece:
        """Return the object of another row."""
        if one.of_viewer and not self.signed_in:
            return NULL
        statement = one.statement(lambda column: literal_column(row[column], BigInteger))
        return self.write_found(
            statement, expect_selection(field), None if is_non_null_type(expect_type(field)) else "'null'"
        )

    def write_found(self, statement: Select[Any], selected: Object, missing: str | None) -> Sql:
        """Return the object of a statement's only row; without a row `missing`, or NULL where that is None."""
        target = Row(self.draft.make_alias())
        text = join_pieces(self.write_object(target, selected))
        rows = self.draft.narrow_statement(statement, target)
        found = f"(SELECT coalesce({text}, {UNANSWERED_SQL}) FROM ({rows}) AS {target.alias})"
        return Sql(found if missing is None else f"coalesce({found}, {missing})")

    def write_items(self, row: Row, field: Field, items: ManyRows) -> list[Piece]:
        """Return a list of objects."""
        item = Row(self.draft.make_alias())
        statement = items.statement(lambda column: literal_column(row[column], BigInteger))
        text = join_pieces(self.write_object(item, expect_selection(field)))
        order = ", ".join(item[key] for key in items.keys)
        return write_array(
            f"ARRAY(SELECT {text} FROM ({self.draft.narrow_statement(statement, item)}) AS {item.alias} ORDER BY {order})"
        )

    def write_root_field(self, field: Field) -> list[Piece]:
        """Return a field of the query's root."""
        match field.reads:
            case ListPage() as page:
                return self.write_page(None, field, page)
            case RowById() as by_id:
                return self.write_by_id(field, by_id)
            case ViewerRow():
                return [self.write_viewer(field)]
            case NodeRow(is_list=True):
                return self.write_nodes(field)
            case NodeRow():
                (selected,) = field.by_prefix.values()
                return [self.write_node(selected, self.bind_identity(field))]
        raise TypeError(f"Query.{field.name} is no root field")

    def write_by_id(self, field: Field, by_id: RowById) -> list[Piece]:
        """Return the object with an id."""
        if by_id.of_viewer and not self.signed_in:
            return [NULL]
        found = self.write_found(by_id.statement(self.bind_identity(field)), expect_selection(field), self.missing)
        return self.guard_for_staff([found], for_staff=by_id.for_staff)

    def write_page(self, parent: Row | None, field: Field, page: ListPage) -> list[Piece]:
        """Return a connection."""
        pieces = write_page(self.draft, parent, field, write_object=self.write_object, is_private=page.is_private)
        return self.guard_for_staff(pieces, for_staff=page.for_staff)

    def guard_for_staff(self, pieces: list[Piece], *, for_staff: bool) -> list[Piece]:
        """Return a value for staff; for other callers the executor has to refuse."""
        if not for_staff:
            return pieces
        if not self.signed_in:
            return [Literal(UNANSWERED.decode())]
        staff = self.draft.compile_statement(select(selects.make_staff_condition(VIEWER)))
        return [Sql(f"CASE WHEN ({staff}) THEN {join_pieces(pieces)} ELSE {UNANSWERED_SQL} END")]

    @property
    def missing(self) -> str:
        """The SQL for an id without a row: null, or the executor's mark where a standby may lack the row."""
        return UNANSWERED_SQL if self.may_lag else "'null'"

    def bind_identity(self, field: Field) -> ColumnElement[int]:
        """Return the parameter of a site's id."""
        return bindparam(f"p{field.site}_id", type_=BigInteger)

    def write_viewer(self, field: Field) -> Piece:
        """Return the signed-in user; where the account is gone, the executor has to refuse."""
        if not self.signed_in:
            return NULL
        return self.write_found(selects.select_row(User, VIEWER), expect_selection(field), UNANSWERED_SQL)

    def write_node(self, selected: Object, identity: ColumnElement[int]) -> Piece:
        """Return the object with an id of a kind, null where the caller may not see it."""
        kind = find_node_class(selected.kind)
        if kind is None or kind.visible_to is None:
            raise TypeError(f"{selected.kind.name} is not planned")
        if kind.visible_to.of_viewer and not self.signed_in:
            return NULL
        return self.write_found(kind.visible_to.select(kind.row, identity), selected, self.missing)

    def write_nodes(self, field: Field) -> list[Piece]:
        """Return the objects with ids of several kinds, in the order of the ids."""
        alias = self.draft.make_alias()
        identity: ColumnElement[int] = literal_column(f"{alias}.id", BigInteger)
        by_kind = " ".join(
            f"WHEN '{prefix}' THEN {join_pieces([self.write_node(selected, identity)])}"
            for prefix, selected in field.by_prefix.items()
        )
        if not by_kind:
            return [Literal("[]")]
        ids = f"unnest(%(p{field.site}_kinds)s::text[], %(p{field.site}_ids)s::bigint[])"
        rows = f"{ids} WITH ORDINALITY AS {alias} (kind, id, place)"
        return write_array(f"ARRAY(SELECT CASE {alias}.kind {by_kind} END FROM {rows} ORDER BY {alias}.place)")


def find_parts(text: str, tables: set[str]) -> frozenset[ProgrammePart]:
    """Return the parts of the programme that a statement over these tables reads; none where its answer must not be cached."""
    if text.count(CLOCK) != text.count(ENDED):
        return frozenset()
    found: set[ProgrammePart] = {part for part in PARTS if part in tables}
    if "movies" in tables and RATINGS.search(text):
        found.add("ratings")
    if CLOCK in text:
        found.add("clock")
    return frozenset(found)


def write_array(array: str) -> list[Piece]:
    """Return a JSON list of the texts in an SQL array; a NULL among them becomes the executor's mark."""
    return [Literal("["), Sql(f"array_to_string({array}, ',', {UNANSWERED_SQL})"), Literal("]")]


def expect_type(field: Field) -> GraphQLOutputType:
    """Return a field's type."""
    if field.type is None:
        raise TypeError(f"{field.name} has no type")
    return field.type
