"""What can be asked about the third-party catalogue and the request count."""

from typing import Any

import strawberry

from resolvers import catalogue, request_count
from schema.collection import CatalogueMovie
from schema.connection import After, Connection, First, Info, given

UNSET: Any = strawberry.UNSET


@strawberry.type
class CollectingQuery:
    """A part of the root of queries."""

    @strawberry.field(
        description="The third-party movie catalogue, fetched live from its own API and never from this database. "
        "For signed-in callers."
    )
    async def catalogue(
        self, info: Info, first: First = UNSET, after: After = UNSET
    ) -> Connection[CatalogueMovie] | None:
        """From an API in numbered pages of ten, forwards only; totalCount is its own count."""
        return await catalogue.list_catalogue(  # type: ignore[return-value]  # the source
            info.context, first=given(first), after=given(after)
        )

    @strawberry.field(description="Requests served since the last reset. For signed-in callers.")
    async def request_count(self, info: Info) -> int | None:
        """From memory."""
        return await request_count.requests_served(info.context)
