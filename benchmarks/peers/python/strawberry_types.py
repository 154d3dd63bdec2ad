"""Plain Strawberry types over rows of psycopg, with a DataLoader for what is nested."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Generic, TypeVar

import strawberry
from strawberry.dataloader import DataLoader

from benchmarks.peers.python import reads
from benchmarks.peers.python.pool import Pool

Item = TypeVar("Item")


@dataclass
class Loaders:
    """The loaders of one request, a page's for each length of page."""

    pool: Pool
    pages: dict[tuple[str, int], DataLoader[int, list[Any]]] = field(default_factory=dict)
    rows: dict[str, DataLoader[int, Any]] = field(default_factory=dict)

    def page(self, statement: str, first: int) -> DataLoader[int, list[Any]]:
        """Return the loader of the first rows of a list that many parents have."""
        load = partial(reads.pages, self.pool, statement, first=first)
        return self.pages.setdefault((statement, first), DataLoader(load))

    def row(self, statement: str) -> DataLoader[int, Any]:
        """Return the loader of rows by their ids."""
        return self.rows.setdefault(statement, DataLoader(partial(reads.by_ids, self.pool, statement)))


@dataclass
class Context:
    """What a request knows: who asks, and its loaders."""

    pool: Pool
    viewer: int | None
    loaders: Loaders


Info = strawberry.Info[Context, None]


@strawberry.type
class PageInfo:
    """Whether there is more, and the key of the last item."""

    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class Connection(Generic[Item]):
    """A page of a list."""

    nodes: list[Item]
    page_info: PageInfo


@strawberry.interface
class Node:
    """What has an id."""

    id: strawberry.ID


@strawberry.type
class AiringDates:
    """The first and the last session of a movie."""

    from_: datetime = strawberry.field(name="from")
    to: datetime


@strawberry.type
class Movie(Node):
    """A film."""

    key: strawberry.Private[int]
    title: str
    description: str
    duration: int
    genres: list[str]
    rating: float | None
    rating_count: int
    airing_dates: AiringDates | None

    @strawberry.field
    async def places(self, info: Info, first: int = 20) -> Connection["Place"]:
        """One statement for all movies of a list."""
        found = await info.context.loaders.page(reads.PLACES, first).load(self.key)
        return connection([place_of(row) for row in found], first)


@strawberry.type
class Place(Node):
    """A cinema."""

    key: strawberry.Private[int]
    name: str
    address: str
    capacity: int

    @strawberry.field
    async def sessions(self, info: Info, first: int = 20) -> Connection["Session"]:
        """One statement for all places of a list."""
        found = await info.context.loaders.page(reads.SESSIONS, first).load(self.key)
        return connection([session_of(row) for row in found], first)


@strawberry.type
class Session(Node):
    """One showing of a movie."""

    movie_key: strawberry.Private[int]
    place_key: strawberry.Private[int]
    starts_at: datetime
    capacity: int

    @strawberry.field
    async def movie(self, info: Info) -> Movie:
        """One statement for all sessions of a list."""
        return movie_of(await info.context.loaders.row(reads.MOVIE).load(self.movie_key))

    @strawberry.field
    async def place(self, info: Info) -> Place:
        """One statement for all sessions of a list."""
        return place_of(await info.context.loaders.row(reads.PLACE).load(self.place_key))


@strawberry.type
class Booking(Node):
    """Seats of one session."""

    session_key: strawberry.Private[int]
    status: str
    reserved_seats: int
    created_at: datetime
    closes_at: datetime

    @strawberry.field
    async def session(self, info: Info) -> Session:
        """One statement for all bookings of a list."""
        return session_of(await info.context.loaders.row(reads.SESSION).load(self.session_key))


@strawberry.type
class User(Node):
    """Somebody with an account."""

    key: strawberry.Private[int]
    email: str | None
    username: str | None

    @strawberry.field
    async def bookings(self, info: Info, first: int = 20) -> Connection[Booking]:
        """Newest first."""
        found = await reads.bookings(info.context.pool, user_id=self.key, first=first)
        return connection([booking_of(row) for row in found], first)


def connection(items: Sequence[Item], first: int) -> Connection[Item]:
    """Return a page of what was read with one row more than was asked for."""
    nodes = list(items[:first])
    last = nodes[-1].id if nodes else None  # type: ignore[attr-defined]  # every item is a Node
    return Connection(nodes=nodes, page_info=PageInfo(has_next_page=len(items) > first, end_cursor=last))


def movie_of(row: dict[str, Any]) -> Movie:
    """Return a movie of a row."""
    first, last = row["airing_from"], row["airing_to"]
    return Movie(
        id=strawberry.ID(f"mov_{row['id']}"),
        key=row["id"],
        title=row["title"],
        description=row["description"],
        duration=row["duration"],
        genres=row["genres"],
        rating=row["rating"],
        rating_count=row["rating_count"],
        airing_dates=AiringDates(from_=first, to=last) if first else None,
    )


def place_of(row: dict[str, Any]) -> Place:
    """Return a place of a row."""
    return Place(
        id=strawberry.ID(f"plc_{row['id']}"),
        key=row["id"],
        name=row["name"],
        address=row["address"],
        capacity=row["capacity"],
    )


def session_of(row: dict[str, Any]) -> Session:
    """Return a session of a row."""
    return Session(
        id=strawberry.ID(f"ses_{row['id']}"),
        movie_key=row["movie_id"],
        place_key=row["place_id"],
        starts_at=row["starts_at"],
        capacity=row["capacity"],
    )


def booking_of(row: dict[str, Any]) -> Booking:
    """Return a booking of a row."""
    return Booking(
        id=strawberry.ID(f"bok_{row['id']}"),
        session_key=row["session_id"],
        status=row["status"].upper(),
        reserved_seats=row["reserved_seats"],
        created_at=row["created_at"],
        closes_at=row["closes_at"],
    )
