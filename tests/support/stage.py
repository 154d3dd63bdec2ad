"""What the hostile find: a server in production mode, Ada and what is hers, and Mallory, who wants it."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from app import open_database
from config.settings import Settings
from db import ids, migrate
from db.engine import Database
from db.models import User
from runtime.server import listen, serve_aside
from tests.cli.test_main import Server, serving
from tests.support.catalogue_standin import PASSWORD, USER, CatalogueStandIn
from tests.support.factories import (
    SECRET,
    bearer,
    make_booking,
    make_collection,
    make_movie,
    make_place,
    make_seat_reservation,
    make_session,
    make_user,
)
from tests.support.forgery import forged
from tests.support.own_database import own_database
from tests.support.prices import make_export
from tests.support.ticketing import make_event, make_event_reservation, make_show, make_ticket
from upstreams.standin_providers import make_cinemaworld, make_filmworld
from upstreams.standins import Faults, create_standins

PROVIDERS_TOKEN: Final = "what-the-providers-want"
COUNTER_TOKEN: Final = "what-the-counter-alone-knows"
# What would be tedious to write out.
SHAPELESS: Final = {
    "counter": COUNTER_TOKEN,
    "long": "x" * 100_000,
    "longish": "x" * 10_000,
    "ranges": "bytes=" + ",".join(["0-"] * 1_000),
    "parameters": "&".join(f"a{number}=1" for number in range(4_000)),
}
# What is Ada's must be as it was.
ADAS: Final = """
    SELECT (SELECT (status, reserved_seats)::text FROM bookings WHERE id = %(booking)s),
           (SELECT (title, description)::text FROM collections WHERE id = %(collection)s),
           (SELECT (tickets, cancelled)::text FROM event_reservations WHERE id = %(reservation)s),
           (SELECT (name, description, deleted_at)::text FROM events WHERE id = %(event)s),
           (SELECT (ticket_count, user_name)::text FROM tickets WHERE id = %(ticket)s),
           (SELECT (email, is_staff, password_hash)::text FROM users WHERE id = %(user)s)
"""


@contextmanager
def _providers() -> Iterator[dict[str, str]]:
    """Yield the variables that lead to price providers that behave."""
    made = [make(token=PROVIDERS_TOKEN, faults=Faults()) for make in (make_cinemaworld, make_filmworld)]
    with listen("127.0.0.1", 0) as listener, serve_aside(create_standins(made), listener):
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        yield {
            f"MATINEE_{each.name.upper()}_{variable}": value
            for each in made
            for variable, value in (("URL", f"{address}/{each.name}"), ("TOKEN", PROVIDERS_TOKEN))
        }


@contextmanager
def staged(server: str, folder: Path, catalogue: CatalogueStandIn) -> Iterator[tuple[Server, dict[str, str]]]:
    """Yield the running server, and what stands in the placeholders of the corpus."""
    with own_database(server) as url, _providers() as providers:
        migrate.upgrade(url)
        told = {
            "DATABASE_URL": url,
            "MATINEE_ENV": "production",
            "MATINEE_SECRET": SECRET,
            "MATINEE_COUNTER_TOKEN": COUNTER_TOKEN,
            "MATINEE_CATALOGUE_URL": catalogue.url,
            "MATINEE_CATALOGUE_USER": USER,
            "MATINEE_CATALOGUE_PASSWORD": PASSWORD,
            # Nobody is to be refused for what others have tried.
            "MATINEE_LIMIT_SIGN_IN": "off",
            "MATINEE_LIMIT_SIGN_UP": "off",
            "MATINEE_LIMIT_COST": "off",
            # Nor is it about how long a third party takes, which may be as long as an answer may (2 s).
            "MATINEE_OFFERS_FRESH_SECONDS": "3600",
            **providers,
        }
        known = asyncio.run(_stage(Settings.from_env({**told, "MATINEE_DATA_DIR": str(folder)})))
        with serving(folder, "--no-jobs", **told) as running:
            yield running, known | SHAPELESS | _cursors(running.address, known) | {"database": url}


def _cursors(address: str, known: Mapping[str, str]) -> dict[str, str]:
    """Return cursors of the server's own making, each good for something else."""
    headers = {"Authorization": f"Bearer {known['mallory.token']}"}
    # The first to ask for prices may have to wait until both providers have answered.
    httpx.get(f"{address}/v1/offers", timeout=30)
    good = httpx.get(f"{address}/v1/movies?limit=1").json()["metadata"]["end_cursor"]
    other = httpx.get(f"{address}/v1/bookings?limit=1", headers=headers).json()["metadata"]["end_cursor"]
    changed = ("B" if good[0] == "A" else "A") + good[1:]
    return {"cursor.bookings": other, "cursor.changed": changed, "cursor.cut": good[:-4]}


async def _stage(settings: Settings) -> dict[str, str]:
    async with open_database(settings) as database:
        ada, mallory = [await make_user(database, email=f"{name}@example.org") for name in ("ada", "mallory")]
        await make_user(database, username="ada")
        staff = await make_user(database, email="staff@example.org", is_staff=True)
        rows = await _rows(database, ada)
        mallorys = await make_booking(database, user=mallory, session=rows["ses"])
    known = {kind: ids.encode(kind, row.id) for kind, row in rows.items()}
    known |= {f"{kind}.uuid": str(ids.to_uuid(kind, rows[kind].id)) for kind in ("evt", "evr", "col")}
    known |= {"ada.id": ids.encode("usr", ada.id), "mallory.id": ids.encode("usr", mallory.id)}
    known |= {f"{name}.token": _token(user) for name, user in (("ada", ada), ("mallory", mallory), ("staff", staff))}
    known["mallory.booking"] = ids.encode("bok", mallorys.id)
    return known | forged({**known}, SECRET.encode())


async def _rows(database: Database, ada: User) -> dict[str, Any]:
    """Return one thing of each kind, Ada's where it is somebody's."""
    movie, place = await make_movie(database), await make_place(database)
    session = await make_session(database, movie=movie, place=place)
    booking = await make_booking(database, user=ada, session=session, seats=2, status="confirmed")
    await make_seat_reservation(database, booking=booking, seats=2)
    event, show = await make_event(database), await make_show(database)
    return {
        "mov": movie,
        "plc": place,
        "ses": session,
        "bok": booking,
        "evt": event,
        "evr": await make_event_reservation(database, event=event, user=ada, tickets=3),
        "shw": show,
        "tkt": await make_ticket(database, show=show),
        "col": await make_collection(database, user=ada),
        "exp": await make_export(database, user_id=ada.id),
    }


def _token(user: User) -> str:
    return bearer(user)["Authorization"].removeprefix("Bearer ")


def adas(known: Mapping[str, str]) -> tuple[Any, ...]:
    """Return what there is to see of Ada's things in the database."""
    settings = Settings.from_env({"DATABASE_URL": known["database"], "MATINEE_SECRET": SECRET})
    names = {"booking": "bok", "collection": "col", "reservation": "evr", "event": "evt", "ticket": "tkt"}
    given = {name: int(known[kind].partition("_")[2]) for name, kind in names.items()}

    async def looked() -> tuple[Any, ...]:
        async with open_database(settings) as database:
            user = int(known["ada.id"].partition("_")[2])
            (row,) = await database.primary.tuples(ADAS, **given, user=user)
            return tuple(row)

    return asyncio.run(looked())
