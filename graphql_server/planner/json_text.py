"""SQL expressions of JSON text: how scalars are spelled, and how pieces become one text."""

from collections.abc import Callable, Sequence
from typing import Final

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLOutputType,
    GraphQLScalarType,
    get_nullable_type,
    is_non_null_type,
)

# Stands where the executor has to decide: a value without a spelling, or a null where there must be none. JSON text
# never holds this character unescaped.
UNANSWERED: Final = b"\x01"
UNANSWERED_SQL: Final = "chr(1)"
# Around the key of a row whose cursor Python has to sign.
CURSOR_START, CURSOR_END = "\x02", "\x03"


class Literal(str):
    """A piece of JSON text that is known when the statement is written."""

    __slots__ = ()


class Sql(str):
    """A piece of JSON text that an SQL expression gives."""

    __slots__ = ()


Piece = Literal | Sql

# In the words of to_char(), within quotes.
PATTERN: Final = r'\"YYYY-MM-DD"T"HH24:MI:SS.US"Z\""'


def joined(pieces: Sequence[Piece]) -> str:
    """Return one SQL expression of all pieces; NULL where a piece is NULL.

    Balanced, because a chain of `||` copies what it has so far at every step, and PostgreSQL's parser is recursive.
    """
    return _balanced([_quoted(piece) if isinstance(piece, Literal) else piece for piece in merged(pieces)])


def merged(pieces: Sequence[Piece]) -> list[Piece]:
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


def spelled(kind: GraphQLOutputType, value: str) -> str:
    """Return the expression of a value's JSON text, as the executor and orjson spell it."""
    text = _spelling(get_nullable_type(kind))(value)
    return text if is_non_null_type(kind) else f"coalesce({text}, 'null')"


def _spelling(kind: object) -> Callable[[str], str]:
    if isinstance(kind, GraphQLEnumType):
        return enum_spelling(kind)
    if isinstance(kind, GraphQLList):
        item = kind.of_type
        if (
            isinstance(item, GraphQLNonNull)
            and isinstance(item.of_type, GraphQLScalarType)
            and item.of_type.name == "String"
        ):
            return texts
    if isinstance(kind, GraphQLScalarType) and kind.name in SPELLINGS:
        return SPELLINGS[kind.name]
    raise KeyError(f"{kind} has no spelling in SQL")


def plain(value: str) -> str:
    """Return the text of an integer or a boolean."""
    return f"({value})::text"


def text(value: str) -> str:
    """Return the text of a string."""
    return f"to_json({value})::text"


def texts(value: str) -> str:
    """Return the text of a list of strings; a NULL among them is for the executor to refuse."""
    return f"CASE WHEN array_position({value}, NULL) IS NULL THEN to_json({value})::text ELSE {UNANSWERED_SQL} END"


def number(value: str) -> str:
    """Return the text of a float: a whole one has `.0`, and NaN and infinity have no text."""
    return (
        f"CASE WHEN {value} = trunc({value}) AND abs({value}) < 1e15 THEN {value}::text || '.0'"
        f" WHEN {value} > '-infinity' AND {value} < 'infinity' THEN {value}::text"
        f" WHEN {value} IS NOT NULL THEN {UNANSWERED_SQL} END"
    )


def instant(value: str) -> str:
    """Return the text of an instant in UTC, with six decimals of a second or none; other years than Python's have none."""
    spelling = f"to_char({value} AT TIME ZONE 'UTC', '{PATTERN}')"
    return (
        f"CASE WHEN {value} BETWEEN '0001-01-01 00:00:00+00'::timestamptz AND '9999-12-31 23:59:59.999999+00'::timestamptz"
        f" THEN replace({spelling}, '.000000Z', 'Z')"
        f" WHEN {value} IS NOT NULL THEN {UNANSWERED_SQL} END"
    )


def uuid(value: str) -> str:
    """Return the text of a UUID."""
    return f"""('"' || {value}::text || '"')"""


def enum_spelling(kind: GraphQLEnumType) -> Callable[[str], str]:
    """Return what spells the names of an enum's values."""

    def spell(value: str) -> str:
        known = " ".join(f"""WHEN '{each.value}' THEN '"{name}"'""" for name, each in kind.values.items())
        return f"CASE {value} {known} ELSE CASE WHEN {value} IS NOT NULL THEN {UNANSWERED_SQL} END END"

    return spell


SPELLINGS: Final[dict[str, Callable[[str], str]]] = {
    "String": text,
    "ID": text,
    "Int": plain,
    "Boolean": plain,
    "Float": number,
    "DateTime": instant,
    "UUID": uuid,
}
