"""Makes connection fields: the four page arguments of the Relay specification become one window."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.extensions.field_extension import AsyncExtensionResolver, FieldExtension
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField
from strawberry.types.info import Info

from db.paging import make_window
from resolvers.field_metadata import Declaration

# The parameter that gets the window; clients do not see it.
WINDOW: Final = "page"
SIZE: Final = StrawberryAnnotation(int | None)
CURSOR: Final = StrawberryAnnotation(str | None)
ARGUMENTS: Final = (
    ("first", SIZE, "So many from the beginning: 1 to 100, by default 20."),
    ("after", CURSOR, "Only what comes after this cursor of the same list."),
    ("last", SIZE, "So many from the end, instead of `first`: 1 to 100."),
    ("before", CURSOR, "Only what comes before this cursor of the same list."),
)


class ConnectionExtension(FieldExtension):
    """Adds the four page arguments to a field, and passes the window that they describe to its function."""

    def apply(self, field: StrawberryField) -> None:
        """Put the page arguments in place of the window."""
        own = [argument for argument in field.arguments if argument.python_name != WINDOW]
        paging = [
            StrawberryArgument(name, None, annotation, description=description, default=strawberry.UNSET)
            for name, annotation, description in ARGUMENTS
        ]
        field.arguments = [*own, *paging]

    async def resolve_async(
        self,
        next_: AsyncExtensionResolver,
        source: Any,
        info: Info,
        *,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        **arguments: Any,
    ) -> Any:
        """Return the page; raise InvalidLimit for page arguments that contradict each other or are out of bounds."""
        page = make_window(first=first, after=after, last=last, before=before)
        return await next_(source, info, page=page, **arguments)


def connection(
    declared: Any, *, description: str, metadata: Mapping[str, Declaration] | None = None
) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator that makes a connection of a function with a parameter `page`; it returns a page of rows."""
    # Resolved here, once: Strawberry would make a class of a `Connection[…]` twice.
    resolved = StrawberryAnnotation(declared).resolve()
    made: Callable[[Callable[..., Any]], Any] = strawberry.field(
        graphql_type=resolved, description=description, extensions=[ConnectionExtension()], metadata=metadata
    )
    return made
