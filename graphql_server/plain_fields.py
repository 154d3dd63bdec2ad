"""Resolves plain fields, which make up most of an answer, without Strawberry: a list of movies takes a quarter less work."""

from collections.abc import Awaitable, Callable
from operator import attrgetter
from typing import Any, Final, TypeGuard, TypeVar

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.field import StrawberryField

Resolve = Callable[[Any, Any], Any]
V = TypeVar("V")


class AwaitableTypes(dict[type, bool]):
    """Whether values of a type can be awaited, checked once for each type.

    The usual check reads an attribute that rows do not have, which is slow with pydantic.
    """

    def __missing__(self, kind: type) -> bool:
        """Check a type at its first use."""
        found = self[kind] = issubclass(kind, Awaitable)
        return found


AWAITABLE: Final = AwaitableTypes()


def is_awaitable(value: Any) -> TypeGuard[Awaitable[Any]]:
    """Return whether a value can be awaited."""
    return AWAITABLE[type(value)]


class Execution(StrawberryGraphQLCoreExecutionContext):
    """Runs one operation."""

    def __init__(self, *given: Any, **named: Any) -> None:
        """Tell awaitables from values by their type."""
        super().__init__(*given, **named)
        self.is_awaitable = is_awaitable


def shorten_plain_fields(schema: GraphQLSchema) -> None:
    """Replace the resolvers of plain fields by ones without Strawberry's Info, arguments and extensions."""
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType):
            for field in kind.fields.values():
                field.resolve = find_short_resolver(field) or field.resolve


def find_short_resolver(field: GraphQLField) -> Resolve | None:
    """Return the resolver of a field that is an attribute of its source, or that needs nothing but its source."""
    read = find_reader(field)
    return make_source_resolver(read) if read else None


def find_reader(field: GraphQLField) -> Callable[[Any], Any] | None:
    """Return the function that reads such a field from its source; None for a field that needs more."""
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


def make_source_resolver(read: Callable[[Any], V]) -> Resolve:
    """Return the resolver that reads a value from the source."""

    def resolve(source: Any, _info: Any) -> V:
        return read(source)

    return resolve
