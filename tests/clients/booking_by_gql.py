"""The Python package gql does the whole booking, set up as docs/clients.md says; prints what the test compares."""

import asyncio
import json
import os
from collections.abc import AsyncGenerator
from typing import Any

from gql import GraphQLRequest
from snippets.gql_client import list_movies, make_client, make_live_client

SIGN_UP = "mutation ($input: SignUpInput!) { signUp(input: $input) { token errors { code } } }"
SESSIONS = "query ($id: ID!) { movie(id: $id) { sessions(first: 4) { nodes { id } } } }"
SEATS = "subscription ($id: ID!) { sessionChanged(id: $id) { seatsAvailable } }"
OPEN = "mutation ($id: ID!) { openBooking(input: {sessionId: $id}) { booking { id } errors { code } } }"
RESERVE = """mutation ($id: ID!, $seats: Int!) { reserveSeats(input: {bookingId: $id, seats: $seats}) {
    booking { reservedSeats } errors { code } } }"""
CONFIRM = """mutation ($id: ID!) { confirmBooking(input: {bookingId: $id, seats: 2}) {
    booking { status reservedSeats } errors { code } } }"""


async def book(session_id: str, identity: dict[str, str], password: str) -> dict[str, Any]:
    """Return what the client has seen."""
    movies = await list_movies(pages=2)
    async with make_client() as anonymous:
        account = {"input": {"identity": identity, "password": password}}
        token = (await anonymous.execute(GraphQLRequest(SIGN_UP, variable_values=account)))["signUp"]["token"]

    async with make_client(token) as client, make_live_client(token) as live:

        async def send(text: str, **variables: object) -> Any:  # noqa: ANN401 - JSON
            (answer,) = (await client.execute(GraphQLRequest(text, variable_values=variables))).values()
            return answer

        sessions = await send(SESSIONS, id=movies[0]["id"])
        seats = follow_seats(live, session_id)
        free = await anext(seats)
        booking = (await send(OPEN, id=session_id))["booking"]["id"]
        await send(RESERVE, id=booking, seats=2)
        left = await anext(seats)
        await seats.aclose()
        confirmed = (await send(CONFIRM, id=booking))["booking"]
        refused = await send(RESERVE, id=booking, seats=3)
    return {
        "movies": [movie["id"] for movie in movies],
        "sessions": [each["id"] for each in sessions["sessions"]["nodes"]],
        "free": free,
        "live": [free, left],
        "status": confirmed["status"],
        "seats": confirmed["reservedSeats"],
        "refusal": refused["errors"][0]["code"],
    }


async def follow_seats(live: Any, session_id: str) -> AsyncGenerator[int]:  # noqa: ANN401 - a session of gql
    """Yield the free seats of a session, now and after each change."""
    async for result in live.subscribe(GraphQLRequest(SEATS, variable_values={"id": session_id})):
        yield result["sessionChanged"]["seatsAvailable"]


if __name__ == "__main__":
    made = asyncio.run(book(os.environ["SESSION"], {"email": os.environ["EMAIL"]}, os.environ["PASSWORD"]))
    print(json.dumps(made))  # noqa: T201 - for the test
