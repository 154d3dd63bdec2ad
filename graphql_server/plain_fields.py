"""A shorter way to plain fields, of which most of an answer is made: a quarter less work for a list of movies."""

from collections.abc import Awaitable, Callable
from operator import attrgetter
from typing import Any, Final, TypeGuard, TypeVar

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.field import StrawberryField

Resolve = Callable[[Any, Any], Any]
V = TypeVar("V")


class Kinds(dict[type, bool]):
    """Whether values of a type can be awaited, asked once of each type.

    A row would be asked for an attribute that it does not have, and pydantic takes its time to say so.
    """

    def __missing__(self, kind: type) -> bool:
        """Look at a type for the first time."""
        found = self[kind] = issubclass(kind, Awaitable)
        return found


AWAITABLE: Final = Kinds()


def is_awaitable(value: Any) -> TypeGuard[Awaitable[Any]]:
    """Return whether a value can be awaited."""
    return AWAITABLE[type(value)]


class Execution(StrawberryGraphQLCoreExecutionContext):
    """Runs one operation."""

    def __init__(self, *given: Any, **named: Any) -> None:
        """Tell awaitables from values by their type."""
        super().__init__(*given, **named)
        self.is_awaitable = is_awaitable


def shorten(schema: GraphQLSchema) -> None:
    """Let graphql-core read plain fields by itself: without Strawberry's Info, arguments and extensions around each."""
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType):
            for field in kind.fields.values():
                field.resolve = short(field) or field.resolve


def short(field: GraphQLField) -> Resolve | None:
    """Return the resolver of a field that is an attribute of its source, or that needs nothing but its source."""
    read = find_reader(field)
    return from_source(read) if read else None


def find_reader(field: GraphQLField) -> Callable[[Any], Any] | None:
    """Return what reads such a field from its source; None for a field that needs more."""
    declared = field.extensions.get("strawberry-definition")
    if not isinstance(declared, StrawberryField) or declared.extensions:
        return None
    resolver = declared.base_resolver
    if resolver is None:
        return attrgetter(declared.python_name)
    if declared.is_async or declared.arguments or resolver.info_parameter or not resolver.parent_parameter:
        return None
    work_out: Any = resolver.wrapped_func
    read: Callable[[Any], Any] = work_out.__func__ if isinstance(work_out, staticmethod) else work_out
    return read


def from_source(read: Callable[[Any], V]) -> Resolve:
    """Return the resolver that reads a value from the source."""

    def resolve(source: Any, _info: Any) -> V:
        return read(source)

    return resolve
