"""How the fields of an answer are read from a row in SQL, as JSON text."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from db import ids
from db.json_text import Literal, Piece, Row, Sql, join_pieces, spell_instant, spell_number, spell_plain, spell_text

Write = Callable[[Row], list[Piece]]
Fields = Mapping[str, Write]
# The parameter that addresses of this server begin with.
BASE: Final = "%(base)s::text"


def no_join(_row: Row) -> str:
    """Return the joins of a shape that shows one table."""
    return ""


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """The object that an answer shows of each row; equal to itself alone, so that statements are found by it."""

    # The answer's name of the object or of the list of them; empty where the answer is the object or the list itself.
    name: str
    fields: Fields
    # Writes the joins of other tables whose columns the fields show.
    join: Callable[[Row], str] = no_join


def write_object(row: Row, fields: Fields) -> list[Piece]:
    """Return the JSON text of an object of a row."""
    pieces: list[Piece] = [Literal("{")]
    for place, (name, write) in enumerate(fields.items()):
        pieces += [Literal(f'{"," if place else ""}"{name}":'), *write(row)]
    return [*pieces, Literal("}")]


def public_id(prefix: str, column: str = "id") -> Write:
    """Return a field with the public id of a row, such as `mov_7262193846145024`."""
    return lambda row: [Literal(f'"{prefix}_'), Sql(spell_plain(row[column])), Literal('"')]


def uuid_id(prefix: str, column: str = "id") -> Write:
    """Return a field with the id of a row as a UUID."""
    return lambda row: [Literal('"'), Sql(f"{ids.write_uuid_sql(prefix, row[column])}::text"), Literal('"')]


def column(name: str, spell: Callable[[str], str] = spell_text) -> Write:
    """Return a field with the value of a column that is never NULL."""
    return lambda row: [Sql(spell(row[name]))]


def joined_column(name: str, spell: Callable[[str], str] = spell_text) -> Write:
    """Return a field with a column of a joined table, which is never NULL."""
    return lambda _row: [Sql(spell(name))]


def nullable(name: str, spell: Callable[[str], str] = spell_text) -> Write:
    """Return a field with the value of a column, null where it has none."""
    return lambda row: [Sql(f"coalesce({spell(row[name])}, 'null')")]


def address(name: str) -> Write:
    """Return a field with an absolute address; one that begins with `/` is below this server's own."""

    def write(row: Row) -> list[Piece]:
        own = row[name]
        return [Sql(spell_text(f"CASE WHEN starts_with({own}, '/') THEN {BASE} || {own} ELSE {own} END"))]

    return write


def part(fields: Fields, *, unless_null: str | None = None) -> Write:
    """Return a field with an object of the same row, null where the column `unless_null` is."""

    def write(row: Row) -> list[Piece]:
        pieces = write_object(row, fields)
        if unless_null is None:
            return pieces
        return [Sql(f"CASE WHEN {row[unless_null]} IS NULL THEN 'null' ELSE {join_pieces(pieces)} END")]

    return write


def instant_with_offset(value: str) -> str:
    """Return the SQL of an instant's JSON text that ends in +00:00."""
    return f"replace({spell_instant(value)}, 'Z\"', '+00:00\"')"


WHOLE: Final = spell_plain
NUMBER: Final = spell_number
INSTANT: Final = spell_instant
