"""Puts the box office of the demo into the database, after the spectators who hold its tickets."""

from collections.abc import Sequence
from itertools import chain
from typing import Final

from demo.box_office import BoxOffice
from demo.rows import Connection, copy_rows, make_snowflakes

EVENTS: Final = "COPY events (id, name, description, date, capacity, taken, created_at, updated_at) FROM STDIN"
RESERVATIONS: Final = "COPY event_reservations (id, event_id, user_id, tickets, created_at, updated_at) FROM STDIN"
SHOWS: Final = "COPY shows (id, show_timing, taken) FROM STDIN"
TICKETS: Final = "COPY tickets (show_id, user_name, phone_number, ticket_count) FROM STDIN"


async def load_box_office(connection: Connection, demo: BoxOffice, *, users: Sequence[int]) -> None:
    """Load events, reservations in the order they were made in, shows and tickets."""
    events = await make_snowflakes(connection, len(demo.occasions))
    shows = await make_snowflakes(connection, len(demo.shows))
    await copy_rows(
        connection,
        EVENTS,
        (
            (id_, one.name, one.description, one.date, one.capacity, one.taken, one.announced_at, one.announced_at)
            for id_, one in zip(events, demo.occasions, strict=True)
        ),
    )
    held = sorted(
        ((id_, each) for id_, one in zip(events, demo.occasions, strict=True) for each in one.held),
        key=lambda pair: pair[1].made_at,
    )
    await copy_rows(
        connection,
        RESERVATIONS,
        (
            (id_, event, users[each.spectator], each.tickets, each.made_at, each.made_at)
            for id_, (event, each) in zip(await make_snowflakes(connection, len(held)), held, strict=True)
        ),
    )
    await copy_rows(
        connection,
        SHOWS,
        (
            (id_, show.show_timing, sum(buyer.tickets for buyer in show.buyers))
            for id_, show in zip(shows, demo.shows, strict=True)
        ),
    )
    await copy_rows(
        connection,
        TICKETS,
        chain.from_iterable(
            ((id_, buyer.name, buyer.phone_number, buyer.tickets) for buyer in show.buyers)
            for id_, show in zip(shows, demo.shows, strict=True)
        ),
    )
