"""A client that openapi-python-client made does the whole booking by REST; prints what the test compares."""

import json
import os
from typing import Any

from matinee_client.api.accounts import sign_in, sign_up
from matinee_client.api.bookings import book_session, confirm_booking, get_booking, list_bookings, reserve_seats
from matinee_client.api.movies import get_session, list_movies, list_places, list_sessions
from matinee_client.client import AuthenticatedClient, Client
from matinee_client.models import ReserveSeats, SignIn, SignUp
from matinee_client.models.list_movies_sort import ListMoviesSort


def main(address: str, session_id: str, account: dict[str, str]) -> dict[str, Any]:
    """Return what the client has seen."""
    anonymous = Client(base_url=address)
    sign_up.sync(client=anonymous, body=SignUp(**account))
    client = AuthenticatedClient(base_url=address, token=sign_in.sync(client=anonymous, body=SignIn(**account)).token)

    first = list_movies.sync(client=client, sort=ListMoviesSort.NEW, limit=2)
    second = list_movies.sync(client=client, sort=ListMoviesSort.NEW, limit=2, cursor=first.metadata.end_cursor)
    movie = first.movies[0].id
    place = list_places.sync(movie, client=client).places[0].id

    free = get_session.sync(session_id, client=client).session.seats_available
    booking = book_session.sync(session_id, client=client).booking.id
    reserved = reserve_seats.sync(booking, client=client, body=ReserveSeats(seats=2))
    confirmed = confirm_booking.sync(booking, client=client)
    left = get_session.sync(session_id, client=client).session.seats_available
    refused = reserve_seats.sync(booking, client=client, body=ReserveSeats(seats=3))
    return {
        "movies": [each.id for each in (*first.movies, *second.movies)],
        "sessions": [each.id for each in list_sessions.sync(movie, place, client=client).sessions],
        "reserved": reserved.booking.reserved_seats,
        "seats": confirmed.booking.reserved_seats,
        "taken": free - left,
        "status": get_booking.sync(booking, client=client).booking.status,
        "bookings": len(list_bookings.sync(client=client).bookings),
        "refusal": refused.errors[0].code,
    }


if __name__ == "__main__":
    made = main(
        os.environ["API"],
        os.environ["SESSION"],
        {"email": os.environ["EMAIL"], "password": os.environ["PASSWORD"]},
    )
    print(json.dumps(made))  # noqa: T201 - for the test
