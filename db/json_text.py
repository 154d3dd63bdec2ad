"""SQL expressions of JSON text: how scalars are spelled, and how pieces become one text."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, DateTime, Float

# Stands for a value without a spelling, or a null where there must be none. JSON text never holds this character unescaped.
UNANSWERED: Final = b"\x01"
UNANSWERED_SQL: Final = "chr(1)"


class Literal(str):
    """A piece of JSON text that is known when the statement is written."""

    __slots__ = ()


class Sql(str):
    """A piece of JSON text that an SQL expression gives."""

    __slots__ = ()


Piece = Literal | Sql

# In the words of to_char(), within quotes.
PATTERN: Final = r'\"YYYY-MM-DD"T"HH24:MI:SS.US"Z\""'


def join_pieces(pieces: Sequence[Piece]) -> str:
    """Return one SQL expression of all pieces; NULL where a piece is NULL.

    Balanced, because a chain of `||` copies what it has so far at every step, and PostgreSQL's parser is recursive.
    """
    return _balanced([_quoted(piece) if isinstance(piece, Literal) else piece for piece in merge_pieces(pieces)])


def merge_pieces(pieces: Sequence[Piece]) -> list[Piece]:
    """Return the pieces with literals that stand side by side as one."""
    found: list[Piece] = []
    for piece in pieces:
        if found and isinstance(piece, Literal) and isinstance(found[-1], Literal):
            found[-1] = Literal(found[-1] + piece)
        else:
            found.append(piece)
    return found


def _quoted(text: str) -> str:
    # psycopg reads % as the beginning of a parameter.
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"


def _balanced(terms: Sequence[str]) -> str:
    if len(terms) == 1:
        return terms[0]
    middle = len(terms) // 2
    return f"({_balanced(terms[:middle])} || {_balanced(terms[middle:])})"


@dataclass(slots=True)
class Row:
    """A row of a statement that is being written; it knows which of its columns were asked for."""

    alias: str
    needed: dict[str, None] = field(default_factory=dict)

    def ask(self, column: str) -> None:
        """Have a column read."""
        self.needed[column] = None

    def __getitem__(self, column: str) -> str:
        """Return the SQL of one of its columns, which is read then."""
        self.ask(column)
        return f"{self.alias}.{column}"


def spell_plain(value: str) -> str:
    """Return the text of an integer or a boolean."""
    return f"({value})::text"


def spell_text(value: str) -> str:
    """Return the text of a string."""
    return f"to_json({value})::text"


def spell_texts(value: str) -> str:
    """Return the text of a list of strings; a NULL among them is for the executor to refuse."""
    return f"CASE WHEN array_position({value}, NULL) IS NULL THEN to_json({value})::text ELSE {UNANSWERED_SQL} END"


def spell_number(value: str) -> str:
    """Return the text of a float: a whole one has `.0`, and NaN and infinity have no text."""
    return (
        f"CASE WHEN {value} = trunc({value}) AND abs({value}) < 1e15 THEN {value}::text || '.0'"
        f" WHEN {value} > '-infinity' AND {value} < 'infinity' THEN {value}::text"
        f" WHEN {value} IS NOT NULL THEN {UNANSWERED_SQL} END"
    )


def spell_instant(value: str) -> str:
    """Return the text of an instant in UTC, with six decimals of a second or none; other years than Python's have none."""
    spelling = f"to_char({value} AT TIME ZONE 'UTC', '{PATTERN}')"
    return (
        f"CASE WHEN {value} BETWEEN '0001-01-01 00:00:00+00'::timestamptz AND '9999-12-31 23:59:59.999999+00'::timestamptz"
        f" THEN replace({spelling}, '.000000Z', 'Z')"
        f" WHEN {value} IS NOT NULL THEN {UNANSWERED_SQL} END"
    )


def spell_uuid(value: str) -> str:
    """Return the text of a UUID."""
    return f"""('"' || {value}::text || '"')"""


def spell_key(key: ColumnElement[Any], value: str) -> str:
    """Return the SQL of a sort key's JSON text, as a cursor holds it."""
    if isinstance(key.type, DateTime):
        return spell_instant(value)
    if isinstance(key.type, Float):
        return spell_number(value)
    return spell_plain(value) if isinstance(key.type, BigInteger) else spell_text(value)
