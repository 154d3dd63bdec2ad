"""How objects and scalars of the GraphQL schema are spelled as JSON text in SQL."""

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

from db.json_text import (
    UNANSWERED_SQL,
    Literal,
    Piece,
    spell_instant,
    spell_number,
    spell_plain,
    spell_text,
    spell_texts,
    spell_uuid,
)
from graphql_server.planner.outline import Field

# Around the key of a row whose cursor Python has to sign.
CURSOR_START, CURSOR_END = "\x02", "\x03"


def write_members(fields: Sequence[Field], write_value: Callable[[Field], list[Piece]]) -> list[Piece]:
    """Return the JSON text of an object, whose members are fields under their response keys."""
    pieces: list[Piece] = [Literal("{")]
    for place, each in enumerate(fields):
        pieces.append(Literal(f'{"," if place else ""}"{each.key}":'))
        pieces += write_value(each)
    return [*pieces, Literal("}")]


def spell_value(kind: GraphQLOutputType, value: str) -> str:
    """Return the expression of a value's JSON text, as the executor and orjson spell it."""
    text = _find_spelling(get_nullable_type(kind))(value)
    return text if is_non_null_type(kind) else f"coalesce({text}, 'null')"


def _find_spelling(kind: object) -> Callable[[str], str]:
    if isinstance(kind, GraphQLEnumType):
        return make_enum_spelling(kind)
    if isinstance(kind, GraphQLList):
        item = kind.of_type
        if (
            isinstance(item, GraphQLNonNull)
            and isinstance(item.of_type, GraphQLScalarType)
            and item.of_type.name == "String"
        ):
            return spell_texts
    if isinstance(kind, GraphQLScalarType) and kind.name in SPELLINGS:
        return SPELLINGS[kind.name]
    raise KeyError(f"{kind} has no spelling in SQL")


def make_enum_spelling(kind: GraphQLEnumType) -> Callable[[str], str]:
    """Return what spells the names of an enum's values."""

    def spell(value: str) -> str:
        known = " ".join(f"""WHEN '{each.value}' THEN '"{name}"'""" for name, each in kind.values.items())
        return f"CASE {value} {known} ELSE CASE WHEN {value} IS NOT NULL THEN {UNANSWERED_SQL} END END"

    return spell


SPELLINGS: Final[dict[str, Callable[[str], str]]] = {
    "String": spell_text,
    "ID": spell_text,
    "Int": spell_plain,
    "Boolean": spell_plain,
    "Float": spell_number,
    "DateTime": spell_instant,
    "UUID": spell_uuid,
}
