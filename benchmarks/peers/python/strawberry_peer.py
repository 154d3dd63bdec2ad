"""Plain Strawberry: its ASGI view, its parser and validation caches, DataLoaders, and psycopg's rows."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any, Final

import jwt
import strawberry
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache

from benchmarks.peers.python import bookings, reads
from benchmarks.peers.python.bookings import Refused
from benchmarks.peers.python.pool import opened, rows
from benchmarks.peers.python.strawberry_types import (
    Booking,
    Connection,
    Context,
    Info,
    Loaders,
    Movie,
    Node,
    Place,
    Session,
    User,
    booking_of,
    connection,
    movie_of,
    place_of,
    session_of,
)

SECRET: Final = os.environ.get("PEER_SECRET", "")
KINDS: Final = {
    "mov": (reads.MOVIE, movie_of),
    "plc": (reads.PLACE, place_of),
    "ses": (reads.SESSION, session_of),
}
HASHER: Final = PasswordHasher()


@strawberry.type
class UserError:
    """Why something was refused."""

    code: str
    message: str


@strawberry.type
class SignInPayload:
    """The account and a token, or why not."""

    user: User | None
    token: str | None
    errors: list[UserError]


@strawberry.type
class BookingPayload:
    """The booking, or why not."""

    booking: Booking | None
    errors: list[UserError]


@strawberry.input
class MovieFilter:
    """Which movies."""

    search: str | None = None


@strawberry.input(one_of=True)
class IdentityInput:
    """Exactly one of the two."""

    email: strawberry.Maybe[str]
    username: strawberry.Maybe[str]


@strawberry.input
class SignInInput:
    """The account to sign in."""

    identity: IdentityInput
    password: str


@strawberry.input
class OpenBookingInput:
    """What to book."""

    session_id: strawberry.ID


@strawberry.input
class ReserveSeatsInput:
    """The seats."""

    booking_id: strawberry.ID
    seats: int


@strawberry.input
class ConfirmBookingInput:
    """The booking to confirm."""

    booking_id: strawberry.ID


def snowflake(public: str) -> int:
    """Return the number in a public id."""
    return int(public[4:])


def user_of(row: dict[str, Any]) -> User:
    """Return a user of a row."""
    return User(id=strawberry.ID(f"usr_{row['id']}"), key=row["id"], email=row["email"], username=row["username"])


@strawberry.type
class Query:
    """What can be read."""

    @strawberry.field
    async def movies(self, info: Info, first: int = 20, filter: MovieFilter | None = None) -> Connection[Movie]:  # noqa: A002
        """Best rated first."""
        found = await reads.movies(info.context.pool, first=first, text=filter.search if filter else None)
        return connection([movie_of(row) for row in found], first)

    @strawberry.field
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:  # noqa: A002
        """Any object by its id."""
        statement, made = KINDS[id[:3]]
        row = await info.context.loaders.row(statement).load(snowflake(id))
        return made(row) if row else None

    @strawberry.field
    async def viewer(self, info: Info) -> User | None:
        """The signed-in user."""
        if info.context.viewer is None:
            return None
        return user_of(await info.context.loaders.row(reads.USER).load(info.context.viewer))


@strawberry.type
class Mutation:
    """What can be changed."""

    @strawberry.mutation
    async def sign_in(self, info: Info, input: SignInInput) -> SignInPayload:  # noqa: A002
        """Hash on a thread, as the library releases the interpreter."""
        email = input.identity.email.value if input.identity.email else ""
        found = await rows(info.context.pool, reads.USER_BY_EMAIL, email=email)
        if not found or not await asyncio.to_thread(matches, found[0]["password_hash"], input.password):
            return SignInPayload(user=None, token=None, errors=[UserError(code="INVALID_CREDENTIALS", message="No.")])
        return SignInPayload(user=user_of(found[0]), token=make_token(found[0]["id"]), errors=[])

    @strawberry.mutation
    async def open_booking(self, info: Info, input: OpenBookingInput) -> BookingPayload:  # noqa: A002
        """Open a booking without seats."""
        viewer = require_viewer(info)
        work = bookings.open_booking(info.context.pool, user_id=viewer, session_id=snowflake(input.session_id))
        return await payload(work)

    @strawberry.mutation
    async def reserve_seats(self, info: Info, input: ReserveSeatsInput) -> BookingPayload:  # noqa: A002
        """Set the seats of an open booking."""
        viewer, booking_id = require_viewer(info), snowflake(input.booking_id)
        work = bookings.reserve(info.context.pool, user_id=viewer, booking_id=booking_id, seats=input.seats)
        return await payload(work)

    @strawberry.mutation
    async def confirm_booking(self, info: Info, input: ConfirmBookingInput) -> BookingPayload:  # noqa: A002
        """Confirm an open booking."""
        viewer, booking_id = require_viewer(info), snowflake(input.booking_id)
        return await payload(bookings.confirm(info.context.pool, user_id=viewer, booking_id=booking_id))


async def payload(work: Awaitable[dict[str, Any]]) -> BookingPayload:
    """Return the booking, or why it was refused."""
    try:
        return BookingPayload(booking=booking_of(await work), errors=[])
    except Refused as refusal:
        return BookingPayload(booking=None, errors=[UserError(code=str(refusal), message=str(refusal))])


def require_viewer(info: Info) -> int:
    """Return who asks; raise PermissionError for an anonymous caller."""
    if info.context.viewer is None:
        raise PermissionError("UNAUTHENTICATED")
    return info.context.viewer


def matches(kept: str, password: str) -> bool:
    """Return whether the password is the one behind the hash."""
    try:
        return HASHER.verify(kept, password)
    except VerifyMismatchError:
        return False


def make_token(user_id: int) -> str:
    """Return a token that every peer takes."""
    now = int(time.time())
    claims = {"iss": "matinee", "aud": "matinee", "sub": f"usr_{user_id}", "iat": now, "exp": now + 86_400}
    return jwt.encode(claims, SECRET, algorithm="HS256")


def viewer_of(authorization: str | None) -> int | None:
    """Return whom a token speaks for."""
    if not authorization:
        return None
    token = authorization.removeprefix("Bearer ")
    claims = jwt.decode(token, SECRET, algorithms=["HS256"], audience="matinee", issuer="matinee")
    return snowflake(claims["sub"])


class View(GraphQL[Context, None]):
    """Strawberry's ASGI view with our context."""

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:  # noqa: ARG002
        """Return what a request knows."""
        pool = request.state.pool
        return Context(pool, viewer_of(request.headers.get("authorization")), Loaders(pool))


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, Any]]:
    """Open the pool for as long as the server runs."""
    async with opened() as pool:
        yield {"pool": pool}


schema = strawberry.Schema(
    query=Query, mutation=Mutation, types=[Movie, Place, Session], extensions=[ParserCache, ValidationCache]
)
app = Starlette(lifespan=lifespan)
app.mount("/", View(schema))
