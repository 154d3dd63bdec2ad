"""Changes of the counter's tickets, and the ways that they travel: each by itself, or sharing commits."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from itertools import cycle
from typing import Any, Protocol, TypeVar

from db.commit_batching import CommitBatcher, LockAll
from db.engine import Database, StatementRunner
from db.models import Show, Ticket
from domain import ticket

T = TypeVar("T")
Change = Callable[[StatementRunner], Awaitable[T]]


class Way(Protocol):
    """How changes travel."""

    async def __call__(self, change: Change[T]) -> T:
        """Return what a change brings."""


def make_server(database: Database, lock_all: LockAll = ticket.lock_shows) -> CommitBatcher:
    """Return what commits the changes of one server."""
    return CommitBatcher(database.primary.pool, lock_all=lock_all)


def in_transactions(database: Database) -> Way:
    """Return the way of changes that have a transaction each."""

    async def run(change: Change[T]) -> T:
        async with database.transaction() as tx:
            return await change(tx)

    return run


def through_servers(*servers: CommitBatcher) -> Way:
    """Return the way of changes that go to these servers in turns."""
    turns = cycle(servers)

    async def run(change: Change[T]) -> T:
        return await change(next(turns))

    return run


def by_itself(database: Database) -> Way:
    """Return the way of changes that each have a server of their own."""

    async def run(change: Change[T]) -> T:
        return await change(make_server(database))

    return run


async def book(way: Way, show_timing: datetime, count: int = 1) -> Ticket:
    """Return a new ticket of the show of this time."""
    given: dict[str, Any] = {"user_name": "Ada", "phone_number": "1", "show_timing": show_timing}
    return await way(lambda runner: ticket.book_ticket(runner, ticket_count=count, **given))


async def move(way: Way, row: Ticket, show_timing: datetime) -> Ticket:
    """Return a ticket, moved to the show of this time."""
    return await way(lambda runner: ticket.update_timing(runner, ticket_id=row.id, show_timing=show_timing))


async def move_to(way: Way, row: Ticket, to: Show) -> Ticket:
    """Return a ticket, moved to a show."""
    return await move(way, row, to.show_timing)


async def delete(way: Way, row: Ticket) -> None:
    """Delete a ticket."""
    await way(lambda runner: ticket.delete_ticket(runner, ticket_id=row.id))


async def outcomes(*changes: Awaitable[object]) -> list[str]:
    """Return the names of what comes of changes that are made at once."""
    found = await asyncio.gather(*changes, return_exceptions=True)
    return sorted(type(each).__name__ for each in found)
