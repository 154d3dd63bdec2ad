"""What no counter should send: `{"success": false, "message"}`, never a 500, and nothing is changed."""

from typing import Final

import pytest
from httpx import AsyncClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import ids
from db.engine import Database
from tests.rest.counter.test_counter import failed
from tests.support.ticketing import make_ticket

TICKET: Final[dict[str, object]] = {
    "userName": "Ada",
    "phoneNumber": "+33 1 99 00 12 34",
    "ticketCount": 2,
    "showTiming": "2047-10-21T18:30:00",
}
NO_NUMBERS: Final[list[object]] = ["1", None, True, [], {}, 1.5, 0, -1, 2**31, 2**64, 1e300]
NO_TEXTS: Final[list[object]] = [1, None, True, [], {}, "\0", "", " ", "x" * 201]
NO_TIMES: Final[list[object]] = [
    "2047-10-21",
    "18:30",
    "2047-02-30T18:30:00",
    "2047-10-21T25:00:00",
    "2047-10-21T18:30:00+99:00",
    "9999-12-31T23:59:59",
    "10000-01-01T00:00:00",
    "",
    "\0",
    1697878800,
    None,
    True,
    [],
]


async def rows(database: Database) -> list[tuple[object, ...]]:
    return await database.primary.tuples(
        "SELECT count(*), sum(ticket_count), (SELECT count(*) FROM shows) FROM tickets"
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("userName", value) for value in NO_TEXTS),
        *(("phoneNumber", value) for value in NO_TEXTS),
        *(("ticketCount", value) for value in NO_NUMBERS),
        *(("showTiming", value) for value in NO_TIMES),
    ],
)
async def test_refuses_ticket_with_one_invalid_field_and_names_it(
    client: AsyncClient, database: Database, field: str, value: object
) -> None:
    assert field in failed(await client.post("/api/book-ticket", json=TICKET | {field: value}), 422)
    assert await rows(database) == [(0, None, 0)]


@pytest.mark.parametrize("value", NO_TIMES)
async def test_refuses_invalid_time_and_keeps_the_ticket(
    client: AsyncClient, database: Database, value: object
) -> None:
    ticket, before = await make_ticket(database), await rows(database)
    body = {"ticketId": ids.encode("tkt", ticket.id), "showTiming": value}
    assert "showTiming" in failed(await client.put("/api/update-timing", json=body), 422)
    assert await rows(database) == before


async def test_reports_every_fault_at_once(client: AsyncClient) -> None:
    message = failed(await client.post("/api/book-ticket", json={"ticketCount": 0, "colour": "red"}), 422)
    assert all(f"`{name}`" in message for name in (*TICKET, "colour"))
    both = TICKET | {"showTime": "2047-10-21T18:30:00"}
    assert "showTime" in failed(await client.post("/api/book-ticket", json=both), 422)


@pytest.mark.parametrize("value", [1, None, True, [], {}, "\0"])
async def test_reports_non_text_id_as_invalid_field(client: AsyncClient, value: object) -> None:
    for path, more in (("/api/delete-ticket", {}), ("/api/update-timing", {"showTiming": "2047-10-21T18:30:00"})):
        assert "ticketId" in failed(await client.put(path, json={"ticketId": value} | more), 422)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/user-details"),
        ("GET", "/api/user-details?ticketId=tkt_1&ticketId=tkt_2"),
        ("GET", "/api/user-details?ticketId=%00"),
        ("GET", "/api/view-all-tickets?movieId=%00"),
        ("GET", "/api/view-all-tickets?showTiming=soon"),
        ("GET", "/api/view-all-tickets?showTiming="),
        ("PUT", "/api/delete-ticket"),
        ("DELETE", "/api/delete-ticket"),
    ],
)
async def test_answers_422_for_missing_or_invalid_query_parameters(client: AsyncClient, method: str, path: str) -> None:
    failed(await client.request(method, path), 422)


@pytest.mark.parametrize(
    ("request_line", "content", "kind", "status"),
    [
        ("POST /api/book-ticket", b"", "application/json", 400),
        ("POST /api/book-ticket", b"{", "application/json", 400),
        ("PUT /api/update-timing", b"\xff", "application/json", 400),
        ("PUT /api/delete-ticket", b"[" * 100_000, "application/json", 400),
        ("POST /api/book-ticket", b"{}", "text/plain", 415),
        ("PUT /api/delete-ticket?ticketId=tkt_1", b"x=1", "application/x-www-form-urlencoded", 415),
        ("POST /api/book-ticket", b" " * 1024 * 1025, "application/json", 413),
        ("GET /api/book-ticket", b"", "application/json", 405),
        ("POST /api/delete-ticket", b"{}", "application/json", 405),
        ("GET /api/nothing", b"", "application/json", 404),
        ("GET /api", b"", "application/json", 404),
    ],
)
async def test_unreadable_or_unrouted_requests_get_the_surfaces_error_shape(
    client: AsyncClient, request_line: str, content: bytes, kind: str, status: int
) -> None:
    method, _, path = request_line.partition(" ")
    response = await client.request(method, path, content=content, headers={"Content-Type": kind})
    failed(response, status)
    assert ("allow" in response.headers) == (status == 405)


@pytest.mark.parametrize("body", [[], "x", 1, [TICKET]])
async def test_refuses_body_that_is_not_an_object(client: AsyncClient, body: object) -> None:
    for method, path in (("POST", "book-ticket"), ("PUT", "update-timing"), ("PUT", "delete-ticket")):
        failed(await client.request(method, f"/api/{path}?ticketId=tkt_1", json=body), 422)


JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)
BODIES: Final = JSON | st.fixed_dictionaries({}, optional=dict.fromkeys((*TICKET, "ticketId", "showTime"), JSON))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES, target=st.sampled_from(["POST book-ticket", "PUT update-timing", "PUT delete-ticket"]))
async def test_no_json_body_causes_a_500(client: AsyncClient, body: object, target: str) -> None:
    method, _, path = target.partition(" ")
    response = await client.request(method, f"/api/{path}", json=body)
    assert response.status_code in {201, 400, 404, 409, 422}, response.text
