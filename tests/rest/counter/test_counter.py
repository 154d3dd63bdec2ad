"""Tickets of the counter surface: booked, moved, viewed and deleted."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from httpx import AsyncClient, Response

from db import ids
from db.engine import Database
from domain import instants
from tests.support.factories import soon
from tests.support.ticketing import make_show, make_ticket, sold, unbalanced

KOLKATA: Final = ZoneInfo("Asia/Kolkata")
LATER: Final = "2047-10-21T18:30:00+05:30"


def done(response: Response, status: int = 200) -> Any:  # noqa: ANN401 - JSON
    """Return the data of an answer, after making sure of its shape."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "private, no-store"
    body = response.json()
    assert set(body) == {"success", "data"}
    assert body["success"] is True
    return body["data"]


def failed(response: Response, status: int) -> str:
    """Return the message of a failure, after making sure of its shape."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert set(body) == {"success", "message"}
    assert body["success"] is False
    return str(body["message"])


async def book(client: AsyncClient, count: int = 1, **given: object) -> Response:
    body = {"userName": "Ada", "phoneNumber": "+33 1 99 00 12 34", "ticketCount": count, "showTiming": LATER}
    return await client.post("/api/book-ticket", json=body | given)


async def test_books_ticket_and_creates_its_show(client: AsyncClient) -> None:
    ticket = done(await book(client, 3), 201)
    assert set(ticket) == {"ticketId", "movieId", "showTiming", "userName", "phoneNumber", "ticketCount"}
    assert ids.decode("tkt", ticket["ticketId"])
    assert ids.decode("shw", ticket["movieId"])
    assert (ticket["userName"], ticket["phoneNumber"], ticket["ticketCount"]) == ("Ada", "+33 1 99 00 12 34", 3)
    assert ticket["showTiming"] == "2047-10-21T13:00:00Z"
    again = done(await book(client, 2), 201)
    assert again["movieId"] == ticket["movieId"]


async def test_reads_time_without_offset_in_the_counters_time_zone(client: AsyncClient) -> None:
    for spelled in ("2047-10-21T18:30:00", "2047-10-21 18:30", "2047-10-21T18:30:00.000"):
        assert done(await book(client, showTiming=spelled), 201)["showTiming"] == "2047-10-21T13:00:00Z"


async def test_accepts_show_time_as_well(client: AsyncClient) -> None:
    body = {"userName": "Ada", "phoneNumber": "1", "ticketCount": 1, "showTime": LATER}
    ticket = done(await client.post("/api/book-ticket", json=body), 201)
    assert ticket["showTiming"] == "2047-10-21T13:00:00Z"
    moved = {"ticketId": ticket["ticketId"], "showTime": "2047-10-22T18:30:00"}
    assert done(await client.put("/api/update-timing", json=moved))["showTiming"] == "2047-10-22T13:00:00Z"
    viewed = done(await client.get("/api/view-all-tickets", params={"showTime": "2047-10-22T18:30:00"}))
    assert viewed["ticketCount"] == 1


@pytest.mark.alone
async def test_sells_20_tickets_to_40_concurrent_buyers(client: AsyncClient, database: Database) -> None:
    answers = await asyncio.gather(*(book(client) for _ in range(40)))
    assert Counter(answer.status_code for answer in answers) == {201: 20, 409: 20}
    assert {failed(answer, 409) for answer in answers if answer.status_code == 409} == {
        "There are 0 more at most. Nothing was changed."
    }
    viewed = done(await client.get("/api/view-all-tickets", params={"showTiming": LATER}))
    assert (viewed["ticketCount"], len(viewed["tickets"])) == (20, 20)
    assert await unbalanced(database) == []


@pytest.mark.parametrize("count", [21, 2**31 - 1])
async def test_refuses_more_tickets_than_a_show_has_without_creating_it(client: AsyncClient, count: int) -> None:
    failed(await book(client, count), 409)
    failed(await client.get("/api/view-all-tickets", params={"showTiming": LATER}), 404)


async def test_refuses_time_in_the_past(client: AsyncClient, database: Database) -> None:
    past = datetime.now(KOLKATA).replace(tzinfo=None) - timedelta(minutes=1)
    show = await make_show(database, hours=-1)
    ticket = await make_ticket(database, show=show)
    for spelled in (past.isoformat(), instants.spell(show.show_timing), "1999-01-01T00:00:00"):
        assert failed(await book(client, showTiming=spelled), 422) == "`showTiming` must be in the future."
        body = {"ticketId": ids.encode("tkt", ticket.id), "showTiming": spelled}
        assert failed(await client.put("/api/update-timing", json=body), 422) == "`showTiming` must be in the future."
    assert await sold(database, show) == 1


async def test_moves_ticket_to_another_show(client: AsyncClient, database: Database) -> None:
    ticket = done(await book(client, 4), 201)
    body = {"ticketId": ticket["ticketId"], "showTiming": "2047-10-22T18:30:00"}
    moved = done(await client.put("/api/update-timing", json=body))
    assert moved == ticket | {"movieId": moved["movieId"], "showTiming": "2047-10-22T13:00:00Z"}
    assert moved["movieId"] != ticket["movieId"]
    left = done(await client.get("/api/view-all-tickets", params={"movieId": ticket["movieId"]}))
    assert (left["ticketCount"], left["tickets"]) == (0, [])
    assert await unbalanced(database) == []


async def test_keeps_ticket_when_the_new_show_is_full(client: AsyncClient, database: Database) -> None:
    full = await make_show(database)
    await make_ticket(database, show=full, ticket_count=18)
    ticket = done(await book(client, 3), 201)
    body = {"ticketId": ticket["ticketId"], "showTiming": instants.spell(full.show_timing)}
    failed(await client.put("/api/update-timing", json=body), 409)
    viewed = done(await client.get("/api/view-all-tickets", params={"movieId": ticket["movieId"]}))
    assert viewed["ticketCount"] == 3
    assert await sold(database, full) == 18


async def test_lists_tickets_of_a_show_by_id_or_time(client: AsyncClient, database: Database) -> None:
    show = await make_show(database)
    made = [await make_ticket(database, show=show, ticket_count=count, user_name=f"Ada {count}") for count in (1, 2)]
    await make_ticket(database, show=await make_show(database, hours=48))
    show_id = ids.encode("shw", show.id)
    expected = {
        "movieId": show_id,
        "showTiming": instants.spell(show.show_timing),
        "ticketCount": 3,
        "tickets": [
            {
                "ticketId": ids.encode("tkt", row.id),
                "userName": row.user_name,
                "phoneNumber": row.phone_number,
                "ticketCount": row.ticket_count,
            }
            for row in reversed(made)
        ],
    }
    local = show.show_timing.astimezone(KOLKATA)
    for given in (
        {"movieId": show_id},
        {"showTiming": instants.spell(show.show_timing)},
        {"showTiming": local.isoformat()},
        {"showTiming": local.replace(tzinfo=None).isoformat()},
        {"movieId": show_id, "showTiming": local.isoformat()},
    ):
        assert done(await client.get("/api/view-all-tickets", params=given)) == expected
    unescaped = await client.get(f"/api/view-all-tickets?showTiming={local.isoformat()}")
    assert done(unescaped) == expected


async def test_answers_404_for_unknown_show_or_time(client: AsyncClient, database: Database) -> None:
    show, other = await make_show(database), await make_show(database, hours=48)
    known = ids.encode("shw", show.id)
    for given in (
        {"movieId": "shw_1"},
        {"movieId": "nonsense"},
        {"movieId": ids.encode("tkt", show.id)},
        {"movieId": ""},
        {"showTiming": "2047-10-21T18:30:00"},
        {"showTiming": "0001-01-01T00:00:00+14:00"},
        {"movieId": known, "showTiming": instants.spell(other.show_timing)},
    ):
        failed(await client.get("/api/view-all-tickets", params=given), 404)


async def test_answers_422_without_id_and_time(client: AsyncClient) -> None:
    assert failed(await client.get("/api/view-all-tickets"), 422) == "`movieId` or `showTiming` must be given."


async def test_answers_the_buyer_of_a_ticket(client: AsyncClient, database: Database) -> None:
    ticket = await make_ticket(database, user_name="Ada", phone_number="12345")
    answer = await client.get("/api/user-details", params={"ticketId": ids.encode("tkt", ticket.id)})
    assert done(answer) == {"userName": "Ada", "phoneNumber": "12345"}


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("where", ["json", "params", "both"])
async def test_deletes_ticket_once(client: AsyncClient, database: Database, method: str, where: str) -> None:
    show = await make_show(database)
    ticket = await make_ticket(database, show=show, ticket_count=3)
    named = {"ticketId": ids.encode("tkt", ticket.id)}
    given: dict[str, Any] = {name: named for name in ("json", "params") if where in (name, "both")}
    assert done(await client.request(method, "/api/delete-ticket", **given)) == named
    failed(await client.request(method, "/api/delete-ticket", **given), 404)
    assert await sold(database, show) == 0


async def test_refuses_two_different_ticket_ids(client: AsyncClient, database: Database) -> None:
    show = await make_show(database)
    named = [{"ticketId": ids.encode("tkt", (await make_ticket(database, show=show)).id)} for _ in range(2)]
    failed(await client.request("DELETE", "/api/delete-ticket", json=named[0], params=named[1]), 422)
    assert await sold(database, show) == 2


@pytest.mark.parametrize("spelled", ["tkt_1", "", "nonsense", "shw_1", "1", "tkt_99999999999999999999", "tkt_1 "])
async def test_answers_404_for_missing_ticket(client: AsyncClient, spelled: str) -> None:
    named = {"ticketId": spelled}
    for answer in (
        await client.get("/api/user-details", params=named),
        await client.put("/api/delete-ticket", json=named),
        await client.delete("/api/delete-ticket", params=named),
        await client.put("/api/update-timing", json=named | {"showTiming": LATER}),
    ):
        assert failed(answer, 404) == "There is no such ticket."


async def test_hides_show_eight_hours_after_its_start(client: AsyncClient, database: Database) -> None:
    for hours, status in ((-7.9, 200), (-8, 404)):
        show = await make_show(database, hours=hours)
        ticket = await make_ticket(database, show=show)
        named = {"ticketId": ids.encode("tkt", ticket.id)}
        answers = [
            await client.get("/api/view-all-tickets", params={"movieId": ids.encode("shw", show.id)}),
            await client.get("/api/view-all-tickets", params={"showTiming": instants.spell(show.show_timing)}),
            await client.get("/api/user-details", params=named),
            await client.put("/api/update-timing", json=named | {"showTiming": instants.spell(soon())}),
            await client.put("/api/delete-ticket", json=named),
        ]
        assert [answer.status_code for answer in answers] == [status] * 5
    assert datetime.now(UTC) > show.show_timing
