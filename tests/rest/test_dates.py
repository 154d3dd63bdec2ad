"""A date that is refused: every door says what is wrong with it, the spelling or that there is no such date."""

import pytest
from httpx import AsyncClient

from db.engine import Database
from tests.rest.counter.test_bad_requests import TICKET
from tests.rest.events.test_bad_requests import EVENT
from tests.support.factories import make_movie, make_place
from tests.support.graphql_client import GraphQL

NOT_THERE = "names a date, a time of day or an offset that does not exist"
BEYOND = "must be from 0001-01-02 to 9999-12-30, in UTC"
SPELLED = {
    "events": "must be an instant with its offset, such as 2047-10-21T09:00:00Z",
    "counter": "must be a time such as 2026-11-20T18:30:00, with or without an offset",
    "cinema": "must be a date such as 2026-11-20, or an instant with its offset such as 2026-11-20T18:30:00+01:00",
    "graphql": "must be an ISO 8601 instant with an offset or Z, such as 2026-11-20T18:30:00Z",
}
EVENTS = "query ($from: DateTime) { events(filter: {from: $from}) { nodes { id } } }"


@pytest.mark.parametrize(
    "text", ["2047-02-30T09:00:00Z", "0000-05-01T09:00:00Z", "2047-05-01T25:00:00Z", "2047-05-01T09:00:00+24:00"]
)
async def test_reports_date_that_does_not_exist(
    client: AsyncClient, database: Database, graphql: GraphQL, text: str
) -> None:
    assert await refuse_everywhere(client, database, graphql, text) == dict.fromkeys(SPELLED, NOT_THERE)


@pytest.mark.parametrize("text", ["soon", "2047-05-01 09:00 o'clock", "2047-02-30 25:00 o'clock"])
async def test_reports_spelling_of_date(client: AsyncClient, database: Database, graphql: GraphQL, text: str) -> None:
    assert await refuse_everywhere(client, database, graphql, text) == SPELLED


@pytest.mark.parametrize("text", ["2047-05-01T09:00:00Z\0", "2047-02-30T09:00:00\0"])
async def test_reports_spelling_of_date_with_nul(client: AsyncClient, text: str) -> None:
    assert await refuse_events(client, text) == SPELLED["events"]
    assert await refuse_counter(client, text) == SPELLED["counter"]


async def test_reports_day_that_does_not_exist(client: AsyncClient, database: Database) -> None:
    assert await refuse_cinema(client, database, "2047-02-30") == NOT_THERE


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
async def test_reports_date_that_cannot_be_stored(client: AsyncClient, text: str) -> None:
    assert (await refuse_events(client, text), await refuse_counter(client, text)) == (BEYOND, BEYOND)


async def refuse_everywhere(client: AsyncClient, database: Database, graphql: GraphQL, text: str) -> dict[str, str]:
    """Return what each door says of a date."""
    (error,) = (await graphql(EVENTS, {"from": text})).errors
    return {
        "events": await refuse_events(client, text),
        "counter": await refuse_counter(client, text),
        "cinema": await refuse_cinema(client, database, text),
        "graphql": error["message"].partition("`from` ")[2].rstrip("."),
    }


async def refuse_events(client: AsyncClient, text: str) -> str:
    (problem,) = (await client.post("/events/", json=EVENT | {"date": text})).json()["date"]
    return str(problem[0].lower() + problem[1:].rstrip("."))


async def refuse_counter(client: AsyncClient, text: str) -> str:
    answer = (await client.post("/api/book-ticket", json=TICKET | {"showTiming": text})).json()
    return str(answer["message"].partition("`showTiming` ")[2].rstrip("."))


async def refuse_cinema(client: AsyncClient, database: Database, text: str) -> str:
    movie, place = await make_movie(database), await make_place(database)
    answer = await client.get(f"/v1/movies/mov_{movie.id}/places/plc_{place.id}/sessions", params={"from": text})
    return str(answer.json()["errors"][0]["message"].partition("` ")[2].rstrip("."))
