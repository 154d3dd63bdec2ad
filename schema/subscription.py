"""The subscriptions: an object as it is now, and again after each change."""

from collections.abc import AsyncGenerator
from typing import Annotated

import strawberry

from resolvers import subscriptions
from resolvers.field_metadata import LIVE, declare
from schema.connection import Info
from schema.event import Event
from schema.export import MovieExport
from schema.session import Session

Identity = Annotated[strawberry.ID, strawberry.argument(description="Its id.")]


@strawberry.type(
    description="What can be followed, by WebSocket or server-sent events. A slow reader gets the newest state, not every one."
)
class Subscription:
    """The root of subscriptions."""

    @strawberry.subscription(
        description="The session again each time its free seats change, on whichever server the change was made; first as "
        "it is now.",
        metadata=declare(cache=LIVE),
    )
    async def session_changed(self, info: Info, id: Identity) -> AsyncGenerator[Session]:
        """The id is checked when the subscription starts."""
        return subscriptions.follow_session(info.context, id)  # type: ignore[return-value]  # the sources

    @strawberry.subscription(description="The same for an event's free tickets.", metadata=declare(cache=LIVE))
    async def event_changed(self, info: Info, id: Identity) -> AsyncGenerator[Event]:
        """The id is checked when the subscription starts."""
        return subscriptions.follow_event(info.context, id)  # type: ignore[return-value]  # the sources

    @strawberry.subscription(description="An export's progress, until it is completed or failed.")
    async def movie_export_changed(self, info: Info, id: Identity) -> AsyncGenerator[MovieExport]:
        """The id is checked when the subscription starts."""
        return subscriptions.follow_movie_export(info.context, id)  # type: ignore[return-value]  # the sources
