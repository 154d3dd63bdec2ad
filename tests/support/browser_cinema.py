"""The cinema that the browser visits: a real server with demo data, its third parties, and other customers by REST."""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
from psycopg.rows import scalar_row

from app import open_database
from config.settings import Settings
from db import ids, migrate
from demo.load import load
from runtime.server import listen, serve_aside
from tests.support.factories import PASSWORD, SECRET, UNLIMITED
from tests.support.own_database import own_database
from upstreams import standin_server
from upstreams.standins import Faults, StandIn, create_standins

ROOT: Final = Path(__file__).parents[2]
numbers: Final = count(1)


# One that nobody else of the tests has been to, as it is now.
NEXT_SESSION: Final = """
    SELECT id, movie_id, place_id, to_char(starts_at AT TIME ZONE 'Europe/Paris', 'YYYY-MM-DD'), capacity - taken
    FROM sessions WHERE starts_at > now() + interval '2 hours' AND capacity - taken >= %(free)s AND id <> ALL (%(used)s)
    ORDER BY starts_at, id LIMIT 1
"""


@dataclass(frozen=True)
class Showing:
    """A session that is still to come, the date that it is on, and how many seats are free."""

    id: str
    movie: str
    place: str
    day: str
    free: int


@dataclass
class Cinema:
    """A running server, and what stands behind it."""

    url: str
    database_url: str
    client: httpx.Client
    database: psycopg.Connection[Any]
    standins: dict[str, StandIn] = field(default_factory=dict)
    used: list[int] = field(default_factory=list)

    def graphql(self, document: str, *, token: str | None = None, **variables: Any) -> Any:  # noqa: ANN401 - JSON
        """Return the data that a document is answered with, without the browser."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        body = {"query": document, "variables": variables}
        told = self.client.post("/graphql", json=body, headers=headers).raise_for_status().json()
        assert "errors" not in told, told
        return told["data"]

    def value(self, statement: str, **parameters: Any) -> Any:  # noqa: ANN401 - whatever the statement selects
        """Return the first column of the only row of a statement in the server's database."""
        with self.database.cursor(row_factory=scalar_row) as cursor:
            return cursor.execute(statement, parameters).fetchone()

    def session(self, *, free: int = 5) -> Showing:
        """Return a session with so many free seats or more, another one each time."""
        found = self.database.execute(NEXT_SESSION, {"free": free, "used": self.used}).fetchone()
        assert found is not None
        session, movie, place, day, left = found
        self.used.append(session)
        return Showing(ids.encode("ses", session), ids.encode("mov", movie), ids.encode("plc", place), day, left)

    def customer(self) -> "Customer":
        """Return somebody with a new account."""
        email = f"visitor{next(numbers)}@example.org"
        body = {"email": email, "password": PASSWORD}
        self.client.post("/v1/auth/signup", json=body).raise_for_status()
        token = self.client.post("/v1/auth/signin", json=body).raise_for_status().json()["token"]
        return Customer(self, email, token)

    def wait(self, condition: Callable[[], bool], *, seconds: float = 30) -> None:
        """Return once a condition holds."""
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, "it does not come true"
            time.sleep(0.2)

    def break_down(self, *names: str) -> None:
        """Let these third parties answer nothing but errors."""
        for name in names:
            self.standins[name].faults = Faults(error_rate=1)

    def mend(self) -> None:
        """Let all third parties answer."""
        for standin in self.standins.values():
            standin.faults = Faults()


@dataclass(frozen=True)
class Customer:
    """Somebody who buys without a browser."""

    cinema: Cinema
    email: str
    token: str

    def post(self, path: str, **body: Any) -> Any:  # noqa: ANN401 - JSON
        """Return the answer to a request of REST, signed in."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.cinema.client.post(path, json=body, headers=headers).raise_for_status().json()

    def hold(self, session: str, *, seats: int) -> str:
        """Return the id of a booking that holds so many seats of a session."""
        booking: str = self.post(f"/v1/sessions/{session}/book")["booking"]["id"]
        self.post(f"/v1/bookings/{booking}/reserve", seats=seats)
        return booking


@contextmanager
def opened(server: str) -> Iterator[Cinema]:
    """Yield a cinema with the demo data, in a database of its own on this database server."""
    with own_database(server) as database_url, _third_parties() as (standins, settings):
        migrate.upgrade(database_url)
        asyncio.run(_stock(replace(settings, database_url=database_url)))
        with _serving(database_url, settings=settings) as url, visited(url, database_url) as cinema:
            cinema.standins = {each.name: each for each in standins}
            yield cinema


@contextmanager
def hasty(cinema: Cinema, *, hold_seconds: int) -> Iterator[Cinema]:
    """Yield the same cinema through a server whose bookings expire soon."""
    with open_second_server(cinema, MATINEE_HOLD_SECONDS=str(hold_seconds)) as second:
        yield second


@contextmanager
def open_second_server(cinema: Cinema, **variables: str) -> Iterator[Cinema]:
    """Yield the same cinema through another server, which has these variables in its environment."""
    # Its jobs would write exports into a folder of its own, where the other server does not look for them.
    served = _serving(cinema.database_url, "--no-jobs", settings=None, **variables)
    with served as url, visited(url, cinema.database_url) as second:
        second.used = cinema.used
        yield second


@contextmanager
def visited(url: str, database_url: str) -> Iterator[Cinema]:
    """Yield the cinema at an address."""
    with httpx.Client(base_url=url, timeout=20) as client, psycopg.connect(database_url, autocommit=True) as database:
        yield Cinema(url, database_url, client, database)


async def _stock(settings: Settings) -> None:
    async with open_database(settings) as database:
        await load(database)


@contextmanager
def _third_parties() -> Iterator[tuple[Sequence[StandIn], Settings]]:
    settings = standin_server.add_credentials(Settings.from_env({"MATINEE_SECRET": SECRET}))
    standins = standin_server.make_standins(settings, Faults())
    with listen("127.0.0.1", 0) as listener, serve_aside(create_standins(standins), listener):
        yield standins, standin_server.point_to_standins(settings, f"http://127.0.0.1:{listener.getsockname()[1]}")


@contextmanager
def _serving(database_url: str, *arguments: str, settings: Settings | None = None, **variables: str) -> Iterator[str]:
    """Yield the address of a server."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("MATINEE_", "DATABASE_"))}
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as log:
        told = {"DATABASE_URL": database_url, "MATINEE_SECRET": SECRET, "MATINEE_DATA_DIR": folder, **UNLIMITED}
        told |= {"MATINEE_RESPONSE_CACHE": "off"}
        with subprocess.Popen(  # noqa: S603 - our own server
            [sys.executable, "-m", "cli", "serve", "--port", "0", *arguments],
            cwd=ROOT,
            env=ours | told | (_addresses(settings) if settings else {}) | variables,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process:
            try:
                assert process.stdout is not None
                found = re.search(r"http://[^/\s]+", process.stdout.readline())
                log.seek(0)
                assert found, log.read()
                yield found[0]
            finally:
                process.terminate()
                process.wait(15)


def _addresses(settings: Settings) -> dict[str, str]:
    told = {
        "MATINEE_CATALOGUE_URL": settings.catalogue_url,
        "MATINEE_CATALOGUE_USER": settings.catalogue_user,
        "MATINEE_CATALOGUE_PASSWORD": settings.catalogue_password,
        "MATINEE_CINEMAWORLD_URL": settings.cinemaworld_url,
        "MATINEE_CINEMAWORLD_TOKEN": settings.cinemaworld_token,
        "MATINEE_FILMWORLD_URL": settings.filmworld_url,
        "MATINEE_FILMWORLD_TOKEN": settings.filmworld_token,
        # Soon enough for a test to see a provider fall silent and come back.
        "MATINEE_OFFERS_FRESH_SECONDS": "2",
    }
    return {name: value for name, value in told.items() if value is not None}
