"""Which files of this project a request enters, for five requests that show the whole server.

    python -m benchmarks.walk

A file counts where a function of it is called, or goes on, for the request: in its own task, in tasks that began for it,
and in threads. Each request is sent to the server without a socket, several times, and a file counts where every one of the
later, warm requests enters it, so that work of another moment (a timer's, say) does not. The database is made in a temporary
folder, with demo data; the server's address is set, as it is in production.
"""

import argparse
import asyncio
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import FrameType
from typing import Any, Final

from httpx import ASGITransport, AsyncClient, Response
from starlette.types import Receive, Scope, Send

from app import create_app
from benchmarks.peers.__main__ import database
from config.settings import Settings
from runtime import logs

ROOT: Final = Path(__file__).parents[1]
# Not the server's: the tests, what measures, and libraries that are installed below this folder.
FOREIGN: Final = ("tests", "benchmarks", ".venv", "node_modules")
COLD_REQUESTS: Final = 3
WARM_REQUESTS: Final = 10
PASSWORD: Final = "correct horse battery"  # noqa: S105 - of an account that lives as long as the command
RESERVATION: Final = "reserve 3 seats by GraphQL"
SESSION: Final = "{ sessions(first: 1) { nodes { id } } }"
OPEN: Final = """
    mutation Open($session: ID!) { openBooking(input: {sessionId: $session}) { booking { id } errors { code } } }
"""
RESERVE: Final = """
    mutation Reserve($booking: ID!) {
        reserveSeats(input: {bookingId: $booking, seats: 3}) { booking { reservedSeats } errors { code message } }
    }
"""
MOVIES: Final = "{ movies(first: 20) { nodes { id title rating airingDates { from to } } } }"

Ask = Callable[[], Awaitable[Response]]

# The files that are noted in this context: that of the request, which tasks that begin for it inherit.
NOTED: Final[ContextVar[set[str] | None]] = ContextVar("noted", default=None)


@contextmanager
def record_files(found: set[str]) -> Iterator[None]:
    """Add the files that this context enters, and threads that begin meanwhile."""
    loop_thread = threading.get_ident()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and (NOTED.get() is found or threading.get_ident() != loop_thread):
            found.add(frame.f_code.co_filename)

    NOTED.set(found)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


async def list_files(send: Ask) -> list[str]:
    """Return the project's files that every warm request enters, in alphabetical order."""
    for _ in range(COLD_REQUESTS):
        (await send()).raise_for_status()
    entered = []
    for _ in range(WARM_REQUESTS):
        found: set[str] = set()
        with record_files(found):
            await send()
        entered.append(list_own_files(found))
    return sorted(set.intersection(*entered))


def list_own_files(found: set[str]) -> set[str]:
    """Return those of the files that belong to the server, relative to the project's folder."""
    below = [Path(name).relative_to(ROOT) for name in found if name.startswith(f"{ROOT}/")]
    return {str(path) for path in below if path.parts[0] not in FOREIGN}


async def prepare_walks(client: AsyncClient) -> dict[str, Ask]:
    """Return what sends each of the five requests, for a new account; the server must have a session to come."""
    account = {"email": "walker@example.org", "password": PASSWORD}
    await client.post("/v1/auth/signup", json=account)
    token = (await client.post("/v1/auth/signin", json=account)).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}

    async def ask(document: str, **variables: object) -> Response:
        body = {"query": document, "variables": variables}
        return await client.post("/graphql", json=body, headers=headers if variables else {})

    sessions: Any = (await ask(SESSION)).json()
    opened: Any = (await ask(OPEN, session=sessions["data"]["sessions"]["nodes"][0]["id"])).json()
    booking_id = opened["data"]["openBooking"]["booking"]["id"]
    reserve = f"/v1/bookings/{booking_id}/reserve"
    return {
        RESERVATION: lambda: ask(RESERVE, booking=booking_id),
        "reserve 3 seats by REST": lambda: client.post(reserve, json={"seats": 3}, headers=headers),
        "movies(first: 20)": lambda: ask(MOVIES),
        "sign in by REST": lambda: client.post("/v1/auth/signin", json=account),
        "request an export": lambda: client.post("/v1/exports", headers=headers),
    }


async def serve_and_walk(settings: Settings) -> dict[str, list[str]]:
    """Return the files of the walks through a server of these settings, with an account of its own."""
    app = create_app(settings, with_jobs=False)
    async with app.router.lifespan_context(app) as state:

        async def served(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "state": dict(state or {})}, receive, send)

        async with AsyncClient(transport=ASGITransport(served), base_url="http://cinema.local") as client:
            walks = await prepare_walks(client)
            return {name: await list_files(send) for name, send in walks.items()}


def main() -> None:
    """Walk and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.walk", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, help="keep the database here, for later runs")
    options = parser.parse_args()
    logs.configure_logs(as_json=True)
    with tempfile.TemporaryDirectory(prefix="matinee-walk-") as folder, database(options.folder, scale=1) as url:
        told = {"DATABASE_URL": url, "MATINEE_DATA_DIR": folder, "MATINEE_PUBLIC_URL": "http://cinema.local"}
        settings = Settings.from_env({**told, "MATINEE_SECRET": "s" * 32})
        for name, files in asyncio.run(serve_and_walk(settings)).items():
            print(f"{name}: {len(files)} files", *files, sep="\n  ")


if __name__ == "__main__":
    main()
