"""Mutations as tests send them, and what became of them."""

from typing import Any

from db.models import User
from tests.support.graphql_client import Answer, GraphQL

ERRORS = "errors { __typename code message path ... on SeatsUnavailable { seatsAvailable } }"
# The object in the payload of each mutation, and what tests want to know of it.
SHOWN = {
    "signUp": "token user { id email username isStaff createdAt bookings { totalCount } }",
    "signIn": "token user { id email username isStaff createdAt bookings { totalCount } }",
    "rateMovie": "rating { id value createdAt updatedAt movie { id } } movie { id rating ratingCount viewerRating { value } }",
    "trackPage": "ok",
    "publishMovie": "providerMovieId",
}
BOOKING = """booking {
    id status reservedSeats createdAt closesAt confirmedAt cancelledAt
    session { id seatsAvailable } movie { id } place { id } reservations { id seats createdAt }
}"""
MOVIE = "movie { id title description poster duration genres rating ratingCount airingDates { from to } }"
PLACE = "place { id name address capacity }"
SESSION = "session { id startsAt capacity seatsAvailable movie { id airingDates { from } } place { id } }"
EVENT = "event { id uuid name description date capacity availability createdAt updatedAt }"
RESERVATION = "reservation { id uuid tickets cancelled createdAt updatedAt event { id availability } }"
TICKET = "ticket { id userName phoneNumber ticketCount expiresAt show { id showTiming ticketCount ticketLimit } }"
KINDS = {
    "EventReservation": RESERVATION,
    "reserveTickets": RESERVATION,
    "Event": EVENT,
    "Ticket": TICKET,
    "TicketTiming": TICKET,
    "Booking": BOOKING,
    "Seats": BOOKING,
    "Movie": MOVIE,
    "Place": PLACE,
    "Session": SESSION,
    "Collection": "collection { id title description movies { title } }",
}


def document(mutation: str) -> str:
    """Return the document that runs one mutation and shows all of its payload."""
    shown = SHOWN.get(mutation) or next(fields for kind, fields in KINDS.items() if mutation.endswith(kind))
    if mutation.startswith("delete"):
        shown = "deletedId"
    input_type = f"{mutation[0].upper()}{mutation[1:]}Input" if not mutation.startswith("delete") else "DeleteInput"
    return f"mutation ($input: {input_type}!) {{ {mutation}(input: $input) {{ {shown} {ERRORS} }} }}"


async def send(graphql: GraphQL, mutation: str, *, by: User | None = None, **given: Any) -> Answer:
    """Send a mutation."""
    return await graphql(document(mutation), {"input": given}, by=by)


async def done(graphql: GraphQL, mutation: str, *, by: User | None = None, **given: Any) -> dict[str, Any]:
    """Return the payload of a mutation that was not refused."""
    payload: dict[str, Any] = (await send(graphql, mutation, by=by, **given)).data[mutation]
    assert payload.pop("errors") == []
    return payload


async def refused(
    graphql: GraphQL, mutation: str, *, by: User | None = None, **given: Any
) -> list[tuple[str, str, list[str]]]:
    """Return kind, code and path of each refusal in the payload, which has nothing else in it."""
    payload = (await send(graphql, mutation, by=by, **given)).data[mutation]
    errors = payload.pop("errors")
    assert errors
    assert not any(payload.values())
    assert all(error["message"] for error in errors)
    return [(error["__typename"], error["code"], error["path"]) for error in errors]


async def barred(graphql: GraphQL, mutation: str, *, by: User | None = None, **given: Any) -> str:
    """Return the code that a mutation which may not be called at all answers with, at the top."""
    answer = await send(graphql, mutation, by=by, **given)
    assert answer.response.status_code == 200
    assert answer.response.json()["data"] == {mutation: None}
    (error,) = answer.errors
    assert error["path"] == [mutation]
    return str(error["extensions"]["code"])
