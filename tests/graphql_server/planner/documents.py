"""Documents that hypothesis makes from the schema: any fields, aliases, arguments, fragments and conditions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, TypeVar, cast

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_non_null_type,
)
from hypothesis import strategies as st

from graphql_server.executable_schema import SCHEMA

# Ids that stand for those of a test's own rows, which are not known yet: `{"id": "@movies.2"}`.
PLACEHOLDERS: Final = {
    "movie": "movies",
    "place": "places",
    "session": "sessions",
    "booking": "bookings",
    "event": "events",
    "ticket": "tickets",
    "placeId": "places",
    "movieId": "movies",
}
INSTANTS: Final = ("2020-01-01T00:00:00Z", "2026-12-01T00:00:00+01:00", "2999-01-01T00:00:00.5Z")
DEEPEST: Final = 4
CONTAINERS: Final = ("Connection", "Edge", "PageInfo", "AiringDates")
NODES: Final = ("Movie", "Place", "Session", "User", "Booking", "EventReservation", "Collection", "Ticket", "PageView")


Composite = GraphQLObjectType | GraphQLInterfaceType
T = TypeVar("T")


@dataclass(slots=True)
class Written:
    """A document with its variables."""

    text: str = ""
    variables: dict[str, Any] = field(default_factory=dict)
    declared: list[str] = field(default_factory=list)
    fragments: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Author:
    """Writes one document by the dice that hypothesis gives."""

    dice: Random
    roots: tuple[str, ...]
    hidden: frozenset[tuple[str, str]]
    written: Written = field(default_factory=Written)
    names: int = 0

    def chance(self, percent: int) -> bool:
        """Return whether something happens that does so in so many of a hundred times."""
        return self.dice.randrange(100) < percent

    def pick(self, items: Sequence[T]) -> T:
        """Return one of several."""
        return self.dice.choice(items)

    def name(self, prefix: str) -> str:
        """Return a name that is nowhere else in the document."""
        self.names += 1
        return f"{prefix}{self.names}"

    def document(self) -> Written:
        """Return a query."""
        query = SCHEMA.graphql.query_type
        assert query is not None
        fields = [self.one(query, self.pick(self.roots), 0) for _ in range(self.dice.randint(1, 3))]
        if self.chance(15):
            fields.append("__typename")
        head = f"query Asked({', '.join(self.written.declared)})" if self.written.declared else "query Asked"
        self.written.text = "\n".join([f"{head} {{ {' '.join(fields)} }}", *self.written.fragments])
        return self.written

    def selection(self, kind: GraphQLObjectType | GraphQLInterfaceType, depth: int) -> str:
        """Return a selection of a type."""
        names = [name for name in kind.fields if (kind.name, name) not in self.hidden]
        if depth >= DEEPEST:
            names = [name for name in names if is_leaf_type(get_named_type(kind.fields[name].type))] or names[:1]
        chosen = [self.pick(names) for _ in range(self.dice.randint(1, 4))]
        parts = [self.one(kind, name, depth) for name in chosen]
        if self.chance(10):
            parts.append("__typename")
        if depth < DEEPEST and self.chance(25):
            parts.append(self.fragment(kind, depth))
        if isinstance(kind, GraphQLInterfaceType):
            parts += [
                self.fragment(cast("Composite", SCHEMA.graphql.type_map[each]), depth)
                for each in NODES
                if self.chance(40)
            ]
        return " ".join(parts)

    def fragment(self, kind: Composite, depth: int) -> str:
        """Return a fragment, spread or in place, on the type or on its interface."""
        node = cast("GraphQLInterfaceType", SCHEMA.graphql.type_map["Node"])
        wide = isinstance(kind, GraphQLObjectType) and node in kind.interfaces and self.chance(30)
        on: Composite = node if wide else kind
        inner = "id" if wide else self.selection(on, depth + 1)
        if self.chance(50):
            return f"... on {on.name}{self.condition()} {{ {inner} }}"
        name = self.name("F")
        self.written.fragments.append(f"fragment {name} on {on.name} {{ {inner} }}")
        return f"...{name}{self.condition()}"

    def condition(self) -> str:
        """Return @skip, @include or nothing."""
        if not self.chance(12):
            return ""
        directive = self.pick(("skip", "include"))
        value = self.value("Boolean!", self.pick((True, False)))
        return f" @{directive}(if: {value})"

    def value(self, kind: str, value: object) -> str:
        """Return a value: written in the document or given by a variable."""
        if self.chance(50):
            return literal(value)
        name = self.name("v")
        self.written.declared.append(f"${name}: {kind}")
        self.written.variables[name] = value
        return f"${name}"

    def one(self, kind: Composite, name: str, depth: int) -> str:
        """Return a field with all that belongs to it."""
        declared: GraphQLField = kind.fields[name]
        arguments = self.arguments(name, declared)
        named = get_named_type(declared.type)
        # One response key must not stand for two things; without arguments it may be there several times.
        alias = f"{self.name('a')}: " if arguments or self.chance(10) else ""
        head = f"{alias}{name}{arguments}{self.condition()}"
        if is_leaf_type(named):
            return head
        deeper = depth if named.name.endswith(CONTAINERS) else depth + 1
        return f"{head} {{ {self.selection(cast('Composite', named), deeper)} }}"

    def arguments(self, name: str, declared: GraphQLField) -> str:
        """Return some of a field's arguments, all that are required among them."""
        found = []
        for argument, definition in declared.args.items():
            is_required = is_non_null_type(definition.type) and definition.default_value is None
            if argument in ("id", "ids") or is_required or self.chance(25):
                written = self.argument(name, argument, definition)
                if written is not None:
                    found.append(f"{argument}: {written}")
        if any(each.startswith("first") for each in found):
            found = [each for each in found if not each.startswith("last")]
        return f"({', '.join(found)})" if found else ""

    def argument(  # noqa: PLR0911 - a line for each
        self, name: str, argument: str, definition: GraphQLArgument
    ) -> str | None:
        """Return the value of an argument, None where it is left out."""
        kind = str(definition.type)
        match argument:
            case "first" | "last":
                return self.value("Int", self.pick((1, 2, 3, 20, 100, None)) if not self.chance(2) else 0)
            case "sort":
                return self.value("MovieSort!", Enum(self.pick(("RATING", "NEW", "LEAVING_SOON"))))
            case "from" | "to":
                return self.value("DateTime", self.pick(INSTANTS))
            case "id":
                return self.value(kind, self.id_of(name))
            case "ids":
                return self.value(kind, [self.id_of("node") for _ in range(self.dice.randint(0, 4))])
            case "placeId" | "movieId":
                return self.value("ID", self.id_of(argument))
            case "filter":
                return self.filter(kind)
        return None

    def filter(self, kind: str) -> str | None:
        """Return a filter."""
        asked: dict[str, Any] = {}
        if self.chance(40):
            asked["search"] = self.pick(("same", "amelie", "élysee", "", "nowhere", "sa"))
        if kind == "MovieFilter":
            more = {
                "airingFrom": self.pick(INSTANTS),
                "placeId": self.id_of("place"),
                "genre": self.pick(("Drama", "é", "x")),
            }
            asked |= {name: value for name, value in more.items() if self.chance(30)}
            if self.chance(20):
                asked["genres"] = ["é", self.pick(("Drama", "x"))]
        if kind == "EventFilter":
            more = {"from": self.pick(INSTANTS), "to": self.pick(INSTANTS)}
            asked |= {name: value for name, value in more.items() if self.chance(30)}
            asked["availableOnly"] = self.chance(50)
        if kind == "PageViewFilter":
            more = {"path": "/films", "userId": self.id_of("user"), "from": self.pick(INSTANTS)}
            asked = {name: value for name, value in more.items() if self.chance(30)}
        return self.value(kind, asked) if asked else None

    def id_of(self, kind: str) -> str:
        """Return a placeholder of an id; now and then of none."""
        if self.chance(8):
            return self.pick(("mov_1", "plc_9223372036854775807", "nonsense", "mov_", "ses_01"))
        return f"@{PLACEHOLDERS.get(kind, 'ids')}.{self.dice.randint(0, 30)}"


class Enum(str):
    """A value that a document writes without quotes."""

    __slots__ = ()


def literal(value: object) -> str:  # noqa: PLR0911 - a line for each kind
    """Return a value as a document writes it."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Enum():
            return value
        case str():
            return f'"{value}"'
        case dict():
            return "{" + ", ".join(f"{name}: {literal(each)}" for name, each in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(literal, value)) + "]"
    return str(value)


def documents(roots: tuple[str, ...], hidden: frozenset[tuple[str, str]] = frozenset()) -> st.SearchStrategy[Written]:
    """Return queries of some root fields, without some fields."""
    return st.randoms(use_true_random=True).map(lambda dice: Author(dice, roots, hidden).document())
