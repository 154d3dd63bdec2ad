"""Writes the one SQL statement of an operation, for one shape of its variables."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from graphql import GraphQLOutputType, is_non_null_type
from sqlalchemy import BigInteger, ColumnElement, Select, Table, bindparam, literal_column, select
from sqlalchemy.sql import visitors

from db import ordered, paging, selects
from db.catalogue_changes import PARTS, CataloguePart
from db.json_text import UNANSWERED, UNANSWERED_SQL, Literal, Piece, Row, Sql, join_pieces, merge_pieces, spell_plain
from db.models import Airing, Movie, Place, Session, User, find_table
from db.pipeline import Statement
from graphql_server.planner import pages
from graphql_server.planner.binding import Bound
from graphql_server.planner.declarations import KINDS, VIEWER
from graphql_server.planner.json_text import spelled
from graphql_server.planner.outline import TYPENAME, Field, Object, Outline
from graphql_server.planner.reads import ByAnyId, ById, Items, Leaf, One, Page, Part, Viewer

# What a standby may answer for.
CATALOGUE: Final = frozenset(find_table(model).name for model in (Movie, Place, Session, Airing))
# Parameters that are the same wherever they stand.
COMMON: Final = frozenset({"viewer", "base"})
PARAMETER: Final = re.compile(r"%\((\w+)\)s")
NULL: Final = Literal("null")
# Numbers of programs, so that who remembers an answer need not hold on to the program.
NUMBERS: Final = count()
# Columns of movies that change with each rating.
RATINGS: Final = re.compile(r"\brating(_order|_count|_sum)?\b")
# The only comparison with the clock that a cached answer may depend on; db/catalogue_changes.py watches it.
CLOCK: Final = "clock_timestamp()"
ENDED: Final = f"airings.last_ends_at > {CLOCK}"


@dataclass(frozen=True, slots=True)
class Program:
    """What a request of one shape runs."""

    statement: Statement
    # Names of the statement's parameters, in the order of their numbers.
    parameters: tuple[str, ...]
    # Whether it may not be read from a standby.
    newest: bool
    # The answer, where no row decides about it.
    constant: bytes | None = None
    # The parts of the catalogue that decide about the answer; none where anything else does.
    parts: frozenset[CataloguePart] = frozenset()
    number: int = field(default_factory=lambda: next(NUMBERS))


@dataclass(slots=True)
class Writer:
    """Writes one statement."""

    bounds: Sequence[Bound]
    signed_in: bool
    # Whether a row that is not there may be there on the primary.
    may_lag: bool
    aliases: int = 0
    newest: bool = False
    varied: bool = False
    tables: set[str] = field(default_factory=set)

    def program(self, outline: Outline) -> Program:
        """Return the statement of an operation."""
        pieces = merge_pieces(self.object(None, outline.root))
        if len(pieces) == 1 and isinstance(pieces[0], Literal):
            return Program(Statement(b""), (), newest=False, constant=pieces[0].encode())
        text = f"SELECT {join_pieces(pieces)}"
        places = {name: place for place, name in enumerate(dict.fromkeys(PARAMETER.findall(text)), start=1)}
        numbered = PARAMETER.sub(lambda found: f"${places[found[1]]}", text).replace("%%", "%")
        return Program(
            Statement(numbered.encode(), is_planned_each_time=self.varied),
            tuple(places),
            self.newest,
            parts=frozenset() if self.newest or "viewer" in places else parts_of(text, self.tables),
        )

    def alias(self) -> str:
        """Return a name that is nowhere else in the statement; names of the document may be too long, and collide."""
        self.aliases += 1
        return f"t{self.aliases}"

    def object(self, row: Row | None, selected: Object) -> list[Piece]:
        """Return the JSON text of an object."""
        pieces: list[Piece] = [Literal("{")]
        for place, each in enumerate(selected.fields):
            pieces.append(Literal(f'{"," if place else ""}"{each.key}":'))
            pieces += self.field(row, selected.kind.name, each)
        return [*pieces, Literal("}")]

    def field(self, row: Row | None, kind: str, asked: Field) -> list[Piece]:
        """Return the JSON text of a field's value."""
        if asked.name == TYPENAME:
            return [Literal(f'"{kind}"')]
        return self.root_field(asked) if row is None else self.field_of(row, kind, asked)

    def field_of(self, row: Row, kind: str, asked: Field) -> list[Piece]:
        """Return a field of a row."""
        match asked.reads:
            case Leaf() as leaf:
                return self.leaf(row, kind, asked, leaf)
            case Part() as part:
                return self.part(row, asked, part)
            case One() as one:
                return [self.one(row, asked, one)]
            case Items() as items:
                return self.items(row, asked, items)
            case Page():
                return pages.page(self, row, asked)
        raise TypeError(f"{kind}.{asked.name} cannot be read from a row")

    def leaf(self, row: Row, kind: str, asked: Field, leaf: Leaf) -> list[Piece]:
        """Return the text of a scalar."""
        if asked.name == "id":
            return [Literal(f'"{KINDS[kind].prefix}_'), Sql(spell_plain(row["id"])), Literal('"')]
        self.newest = self.newest or leaf.newest
        value = leaf.value(row)
        return [Sql(value if leaf.is_text else spelled(output(asked), value))]

    def part(self, row: Row, asked: Field, part: Part) -> list[Piece]:
        """Return an object that is made of the same row."""
        pieces = self.object(row, below(asked))
        if part.unless_null is None:
            return pieces
        return [Sql(f"CASE WHEN {row[part.unless_null]} IS NULL THEN 'null' ELSE {join_pieces(pieces)} END")]

    def one(self, row: Row, asked: Field, one: One) -> Piece:
        """Return the object of another row."""
        if one.of_viewer and not self.signed_in:
            return NULL
        statement = one.statement(lambda column: literal_column(row[column], BigInteger))
        return self.found(statement, below(asked), None if is_non_null_type(output(asked)) else "'null'")

    def found(self, statement: Select[Any], selected: Object, missing: str | None) -> Sql:
        """Return the object of a statement's only row; without one NULL, or the SQL that stands for what is missing."""
        target = Row(self.alias())
        text = join_pieces(self.object(target, selected))
        rows = self.reading(statement, target)
        found = f"(SELECT coalesce({text}, {UNANSWERED_SQL}) FROM ({rows}) AS {target.alias})"
        return Sql(found if missing is None else f"coalesce({found}, {missing})")

    def items(self, row: Row, asked: Field, items: Items) -> list[Piece]:
        """Return a list of objects."""
        item = Row(self.alias())
        statement = items.statement(lambda column: literal_column(row[column], BigInteger))
        text = join_pieces(self.object(item, below(asked)))
        order = ", ".join(item[key] for key in items.keys)
        return listed(f"ARRAY(SELECT {text} FROM ({self.reading(statement, item)}) AS {item.alias} ORDER BY {order})")

    def root_field(self, asked: Field) -> list[Piece]:
        """Return a field of the query's root."""
        match asked.reads:
            case Page():
                return pages.page(self, None, asked)
            case ById() as by_id:
                return self.by_id(asked, by_id)
            case Viewer():
                return [self.viewer(asked)]
            case ByAnyId(is_list=True):
                return self.nodes(asked)
            case ByAnyId():
                (selected,) = asked.by_prefix.values()
                return [self.node(selected, self.identity(asked))]
        raise TypeError(f"Query.{asked.name} is no root field")

    def by_id(self, asked: Field, by_id: ById) -> list[Piece]:
        """Return the object with an id."""
        if by_id.of_viewer and not self.signed_in:
            return [NULL]
        found = self.found(by_id.statement(self.identity(asked)), below(asked), self.missing)
        return self.guarded([found], for_staff=by_id.for_staff)

    def guarded(self, pieces: list[Piece], *, for_staff: bool) -> list[Piece]:
        """Return a value that the executor refuses to everybody but staff."""
        if not for_staff:
            return pieces
        if not self.signed_in:
            return [Literal(UNANSWERED.decode())]
        staff = self.compiled(select(selects.is_staff(VIEWER)))
        return [Sql(f"CASE WHEN ({staff}) THEN {join_pieces(pieces)} ELSE {UNANSWERED_SQL} END")]

    @property
    def missing(self) -> str:
        """The SQL of a row that a caller has named and that is not there; a standby may not know it yet."""
        return UNANSWERED_SQL if self.may_lag else "'null'"

    def identity(self, asked: Field) -> ColumnElement[int]:
        """Return the parameter of a site's id."""
        return bindparam(f"p{asked.site}_id", type_=BigInteger)

    def viewer(self, asked: Field) -> Piece:
        """Return the signed-in user; the executor refuses one whose account is gone."""
        if not self.signed_in:
            return NULL
        return self.found(selects.select_row(User, VIEWER), below(asked), UNANSWERED_SQL)

    def node(self, selected: Object, identity: ColumnElement[int]) -> Piece:
        """Return the object with an id of a kind, as far as the caller may see it."""
        kind = KINDS[selected.kind.name]
        if kind.of_viewer and not self.signed_in:
            return NULL
        return self.found(kind.node(identity), selected, self.missing)

    def nodes(self, asked: Field) -> list[Piece]:
        """Return the objects with ids of several kinds, in the order of the ids."""
        alias = self.alias()
        identity: ColumnElement[int] = literal_column(f"{alias}.id", BigInteger)
        by_kind = " ".join(
            f"WHEN '{prefix}' THEN {join_pieces([self.node(selected, identity)])}"
            for prefix, selected in asked.by_prefix.items()
        )
        if not by_kind:
            return [Literal("[]")]
        ids = f"unnest(%(p{asked.site}_kinds)s::text[], %(p{asked.site}_ids)s::bigint[])"
        rows = f"{ids} WITH ORDINALITY AS {alias} (kind, id, place)"
        return listed(f"ARRAY(SELECT CASE {alias}.kind {by_kind} END FROM {rows} ORDER BY {alias}.place)")

    def reading(self, statement: Select[Any], row: Row, *, site: int | None = None, **more: ColumnElement[Any]) -> str:
        """Return the text of a statement with those columns alone that were asked of its row, and some more."""
        known = {each.key: each for each in statement.selected_columns}
        columns = [known[name] for name in row.needed] + [each.label(name) for name, each in more.items()]
        narrow = statement.with_only_columns(*(columns or [ordered.ONE]), maintain_column_froms=True)
        return self.compiled(narrow, site)

    def compiled(self, statement: Select[Any], site: int | None = None) -> str:
        """Return the text of a statement; its parameters get names of their site."""
        self.tables |= {each.name for each in visitors.iterate(statement) if isinstance(each, Table)}
        self.newest = self.newest or not self.tables <= CATALOGUE
        text = paging.compile_sql(statement)
        return text if site is None else PARAMETER.sub(lambda found: named(found, site), text)


def parts_of(text: str, tables: set[str]) -> frozenset[CataloguePart]:
    """Return the parts of the catalogue that a statement over these tables reads; none where its answer must not be cached."""
    if text.count(CLOCK) != text.count(ENDED):
        return frozenset()
    found: set[CataloguePart] = {part for part in PARTS if part in tables}
    if "movies" in tables and RATINGS.search(text):
        found.add("ratings")
    if CLOCK in text:
        found.add("clock")
    return frozenset(found)


def named(found: re.Match[str], site: int) -> str:
    """Return a parameter under a name that no other site has."""
    return found[0] if found[1] in COMMON else f"%(p{site}_{found[1]})s"


def listed(array: str) -> list[Piece]:
    """Return a JSON list of the texts in an SQL array; the executor has to answer for a NULL among them."""
    return [Literal("["), Sql(f"array_to_string({array}, ',', {UNANSWERED_SQL})"), Literal("]")]


def below(asked: Field) -> Object:
    """Return what is selected of a field's object."""
    if asked.below is None:
        raise TypeError(f"{asked.name} has no fields")
    return asked.below


def output(asked: Field) -> GraphQLOutputType:
    """Return a field's type."""
    if asked.type is None:
        raise TypeError(f"{asked.name} has no type")
    return asked.type
