"""A small cinema with all that is hard to spell: nulls, ties, empty lists, unicode, fractions of a second."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from db.engine import Database
from db.models import User
from tests.support.factories import (
    make_booking,
    make_collection,
    make_expired_booking,
    make_movie,
    make_page_view,
    make_place,
    make_rating,
    make_seat_reservation,
    make_session,
    make_user,
    soon,
)
from tests.support.ticketing import make_event, make_event_reservation, make_show, make_ticket

TITLES = ('Amélie "à" \\ Paris', "映画\t\n\x01 🎬", "<b>'%s' %(x)s %%</b>", "Same", "Same", "")


@dataclass(frozen=True, slots=True)
class House:
    """The rows, and public ids of all of them and of nothing."""

    viewer: User
    # Sees what is for staff.
    clerk: User
    movies: list[str]
    places: list[str]
    sessions: list[str]
    # Of what belongs to somebody, or is for tickets.
    bookings: list[str]
    events: list[str]
    tickets: list[str]
    others: list[str]

    @property
    def ids(self) -> list[str]:
        """Ids of every kind."""
        return [
            *self.movies,
            *self.places,
            *self.sessions,
            *self.bookings,
            *self.events,
            *self.tickets,
            *self.others,
        ]


async def make_house(database: Database) -> House:
    """Return a cinema whose rows are made in a fixed order."""
    viewer, other = await make_user(database, username="Élodie"), await make_user(database)
    clerk = await make_user(database, is_staff=True)
    movies = [
        await make_movie(
            database,
            title=title,
            genres=[["Drama", 'a "b" \\ c,d {e}', "é"], []][number % 2],
            poster=["/posters/é.svg", "https://example.org/x.svg?a=%20"][number % 2],
        )
        for number, title in enumerate(TITLES)
    ]
    places = [await make_place(database, name=name) for name in ("Salle 1", "Élysée", "élysée", "Empty")]
    sessions = [
        await make_session(
            database,
            movie=movies[number % 4],
            place=places[number % 3],
            starts_at=soon(hours) + timedelta(microseconds=micros),
        )
        for number, (hours, micros) in enumerate(
            [(24, 0), (24, 120_000), (30, 1), (-50, 0), (48, 999_999), (48, 0), (48, 0), (72, 0), (24, 0)]
        )
    ]
    ratings = [
        await make_rating(database, user=user, movie=movies[number], value=value)
        for number, value, user in (
            (0, 4.0, viewer),
            (0, 3.5, other),
            (1, 0.0, viewer),
            (2, 1e-7, other),
            (3, 3.1, viewer),
        )
    ]
    bookings = [
        await make_booking(database, user=viewer, session=sessions[0], seats=3, closes_at=soon()),
        await make_expired_booking(database, user=viewer, session=sessions[1], seats=2),
        await make_booking(database, user=viewer, session=sessions[2], status="confirmed", confirmed_at=soon(-1)),
        await make_booking(database, user=other, session=sessions[0], seats=2, closes_at=soon()),
        await make_expired_booking(database, user=clerk, session=sessions[0], seats=1),
    ]
    changes = [await make_seat_reservation(database, booking=bookings[number % 4], seats=number) for number in range(6)]
    events = [
        await make_event(database, name=name, date=soon(hours))
        for name, hours in (("Soirée 'A'", 20), ("Same", 30), ("Same", 30), ("Gone", 40))
    ]
    reservations = [
        await make_event_reservation(database, event=events[number % 4], user=user, tickets=number + 1)
        for number, user in enumerate((viewer, viewer, other, viewer, clerk))
    ]
    await database.primary.value(
        "UPDATE events SET deleted_at = clock_timestamp() WHERE id = %(id)s RETURNING 1", id=events[3].id
    )
    shows = [await make_show(database, hours=hours) for hours in (24, 48, -3)]
    tickets = [await make_ticket(database, show=shows[number % 2]) for number in range(3)]
    collections = [await make_collection(database, user=user) for user in (viewer, viewer, other)]
    views = [
        await make_page_view(database, user_id=user.id if user else None, query=query)
        for user, query in ((viewer, '[["a", "é\\u0001\\""], ["a", ""]]'), (None, "[]"), (clerk, '[["x", "y"]]'))
    ]
    others: dict[str, Sequence[Any]] = {
        "rat": ratings,
        "rsv": changes,
        "evr": reservations,
        "shw": shows,
        "col": collections,
        "trk": views,
    }
    return House(
        viewer,
        clerk,
        public("mov", movies),
        public("plc", places),
        public("ses", sessions),
        public("bok", bookings),
        public("evt", events),
        public("tkt", tickets),
        [each for prefix, rows in others.items() for each in public(prefix, rows)]
        + public("usr", [viewer, other, clerk]),
    )


def public(prefix: str, rows: Sequence[Any]) -> list[str]:
    """Return the ids of rows as callers know them."""
    return [f"{prefix}_{row.id}" for row in rows]
