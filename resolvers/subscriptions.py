"""Subscriptions: an object as it is now, and again after each change."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final

from db import ids
from db.models import Event, ExportStatus, MovieExport, Session
from db.notices import Kind
from domain import export
from errors import EventNotFound, ExportNotFound, NotFound, SessionNotFound
from resolvers.context import Context

UNDER_WAY: Final = (ExportStatus.QUEUED, ExportStatus.RUNNING)
MISSING: Final[dict[Kind, type[NotFound]]] = {
    "session": SessionNotFound,
    "event": EventNotFound,
    "export": ExportNotFound,
}


async def follow_session(context: Context, public_id: str) -> AsyncGenerator[Session]:
    """Yield a session each time its free seats have changed; raise SessionNotFound where it does not exist, or no longer."""
    async with aclosing(follow_rows(context, "session", ids.expect("ses", public_id, "id"))) as found:
        async for row in found:
            yield row


async def follow_event(context: Context, public_id: str) -> AsyncGenerator[Event]:
    """Yield an event each time its free tickets have changed; raise EventNotFound where it does not exist, or no longer."""
    async with aclosing(follow_rows(context, "event", ids.expect("evt", public_id, "id"))) as found:
        async for row in found:
            yield row


async def follow_movie_export(context: Context, public_id: str) -> AsyncGenerator[MovieExport]:
    """Yield an export after each progress, until it is completed or failed.

    Raises Unauthenticated, and ExportNotFound where the viewer may not see it.
    """
    user_id, export_id = context.user_id, ids.expect("exp", public_id, "id")
    await export.find_visible_export(context.database.primary, export_id, user_id=user_id)
    async with aclosing(follow_rows(context, "export", export_id)) as found:
        async for row in found:
            yield row
            if row.status not in UNDER_WAY:
                return


async def follow_rows(context: Context, kind: Kind, identity: int) -> AsyncGenerator[Any]:
    """Yield the row of each news, and give its selected fields the loaders of that moment."""
    live = context.services.topics
    async with aclosing(live.follow(kind, identity, context.follower)) as found:
        async for news in found:
            if news.row is None:
                raise MISSING[kind]
            context.loaders = news.loaders(context.database)
            yield news.row
