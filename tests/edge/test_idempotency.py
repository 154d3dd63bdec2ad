"""Every POST, PATCH and PUT is done once under an idempotency key, whatever surface it belongs to."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final
from uuid import uuid4

import pytest
from httpx import AsyncClient, Response
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from app import create_app
from config.settings import Settings
from db import ids
from db.engine import Database
from db.models import User
from edge import idempotency
from identity.passwords import Passwords
from rest.endpoint import Caller, Endpoint
from rest.endpoints import ENDPOINTS
from runtime.rate_limits import Rate
from tests.conftest import running
from tests.support.answers import codes
from tests.support.factories import (
    PASSWORD,
    bearer,
    make_booking,
    make_collection,
    make_movie,
    make_session,
    make_user,
    soon,
)
from tests.support.rivals import holding, started, until_no_transaction_waits
from tests.support.ticketing import make_event, make_event_reservation, make_ticket

Asked = tuple[str, Any]
Make = Callable[[Database, User], Awaitable[Asked]]

TABLES: Final = """
    SELECT format('%%I.%%I', schemaname, tablename) FROM pg_tables
    WHERE schemaname IN ('public', 'queue') AND tablename <> 'idempotency_keys' ORDER BY 1
"""
SHOW: Final = {"userName": "Ada", "phoneNumber": "+33 1 99 00 12 34", "ticketCount": 2}
MOVIE: Final = {"title": "Playtime", "uuid": "57baf4f4-c9ef-4197-9e4f-acf04eae5b4d"}


async def book(database: Database, _: User) -> Asked:
    return f"/v1/sessions/{ids.encode('ses', (await make_session(database)).id)}/book", None


def booking(step: str, body: object = None) -> Make:
    async def make(database: Database, user: User) -> Asked:
        held = await make_booking(database, user=user, seats=2)
        return f"/v1/bookings/{ids.encode('bok', held.id)}/{step}", body

    return make


async def rate(database: Database, _: User) -> Asked:
    return f"/v1/movies/{ids.encode('mov', (await make_movie(database)).id)}/rate", {"value": 4.5}


async def update_event(database: Database, _: User) -> Asked:
    return f"/events/{ids.to_uuid('evt', (await make_event(database)).id)}", {"name": "Another"}


async def create_reservation(database: Database, _: User) -> Asked:
    event = await make_event(database)
    return "/reservations/", {"event_id": str(ids.to_uuid("evt", event.id)), "no_of_tickets": 2}


async def update_reservation(database: Database, user: User) -> Asked:
    made = await make_event_reservation(database, user=user)
    return f"/reservations/{ids.to_uuid('evr', made.id)}", {"no_of_tickets": 3}


async def update_timing(database: Database, _: User) -> Asked:
    ticket = ids.encode("tkt", (await make_ticket(database)).id)
    return "/api/update-timing", {"ticketId": ticket, "showTiming": soon(48).isoformat()}


async def delete_ticket(database: Database, _: User) -> Asked:
    return f"/api/delete-ticket?ticketId={ids.encode('tkt', (await make_ticket(database)).id)}", None


async def update_collection(database: Database, user: User) -> Asked:
    made = await make_collection(database, user=user)
    return f"/collection/{ids.to_uuid('col', made.id)}/", {"title": "Another"}


def plain(path: str, body: object = None) -> Make:
    async def make(_: Database, user: User) -> Asked:
        return path, body(user) if callable(body) else body

    return make


MAKERS: Final[dict[str, Make]] = {
    "POST /v1/auth/signup": plain("/v1/auth/signup", {"email": "new@example.org", "password": PASSWORD}),
    "POST /v1/auth/signin": plain("/v1/auth/signin", lambda user: {"email": user.email, "password": PASSWORD}),
    "POST /v1/analytics/track": plain(
        "/v1/analytics/track",
        {"tracking_id": "ada", "type": "page_enter", "page": {"scheme": "https", "path": "/", "query": {}}},
    ),
    "POST /v1/sessions/{session_id}/book": book,
    "POST /v1/bookings/{booking_id}/reserve": booking("reserve", {"seats": 5}),
    "POST /v1/bookings/{booking_id}/confirm": booking("confirm"),
    "POST /v1/bookings/{booking_id}/cancel": booking("cancel"),
    "POST /v1/movies/{movie_id}/rate": rate,
    "POST /events/": plain(
        "/events/", {"name": "Mars", "description": "Far", "date": "2047-01-01T00:00:00Z", "availability": 9}
    ),
    "PATCH /events/{event_id}": update_event,
    "POST /reservations/": create_reservation,
    "PATCH /reservations/{reservation_id}": update_reservation,
    "POST /api/book-ticket": plain("/api/book-ticket", lambda _: SHOW | {"showTiming": soon().isoformat()}),
    "PUT /api/update-timing": update_timing,
    "PUT /api/delete-ticket": delete_ticket,
    "POST /register/": plain("/register/", {"username": "newcomer", "password": PASSWORD}),
    "POST /login/": plain("/login/", {"username": "ada", "password": PASSWORD}),
    "POST /collection/": plain("/collection/", {"title": "Sundays", "description": "", "movies": [MOVIE]}),
    "PUT /collection/{collection_uuid}/": update_collection,
    "POST /request-count/reset/": plain("/request-count/reset/"),
    "POST /v1/exports": plain("/v1/exports"),
}


def name(endpoint: Endpoint[Any]) -> str:
    return f"{endpoint.method} {endpoint.path}"


KEYED: Final = [endpoint for endpoint in ENDPOINTS if endpoint.method in ("POST", "PATCH", "PUT")]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, lock_seconds=0.5)


@pytest.fixture
async def user(database: Database) -> User:
    return await make_user(database, username="ada", email="ada@example.org")


async def everything(database: Database) -> dict[str, Any]:
    """Return what tells whether any table has changed."""
    tables = [table for (table,) in await database.primary.tuples(TABLES)]
    return {
        table: await database.primary.value(f"SELECT array_agg(t::text ORDER BY t::text) FROM {table} AS t")  # noqa: S608 - names of ours
        for table in tables
    }


def shown(response: Response) -> tuple[int, bytes, dict[str, str]]:
    """Return all that a replay must repeat."""
    told = {
        name: value for name, value in response.headers.items() if name not in ("x-request-id", "idempotent-replayed")
    }
    return response.status_code, response.content, told


def test_no_endpoint_is_forgotten() -> None:
    assert sorted(MAKERS) == sorted(map(name, KEYED))


@pytest.mark.parametrize("endpoint", KEYED, ids=name)
async def test_the_same_request_is_answered_again_and_done_once(
    client: AsyncClient, database: Database, user: User, endpoint: Endpoint[Any]
) -> None:
    path, body = await MAKERS[name(endpoint)](database, user)
    headers = {"Idempotency-Key": str(uuid4())}
    if endpoint.caller is not Caller.ANYBODY:
        headers |= bearer(user)
    untouched = await everything(database)
    first = await client.request(endpoint.method, path, json=body, headers=headers)
    assert first.is_success, first.text
    assert "idempotent-replayed" not in first.headers
    done = await everything(database)
    assert done != untouched or path in ("/v1/auth/signin", "/login/")
    again = await client.request(endpoint.method, path, json=body, headers=headers)
    assert shown(again) == shown(first)
    assert again.headers["idempotent-replayed"] == "true"
    assert await everything(database) == done


@pytest.mark.parametrize("endpoint", KEYED, ids=name)
async def test_another_request_with_the_same_key_is_refused_in_the_surfaces_own_shape(
    client: AsyncClient, database: Database, user: User, endpoint: Endpoint[Any]
) -> None:
    path, body = await MAKERS[name(endpoint)](database, user)
    headers = {"Idempotency-Key": "a key"} | ({} if endpoint.caller is Caller.ANYBODY else bearer(user))
    assert (await client.request(endpoint.method, path, json=body, headers=headers)).is_success
    done = await everything(database)
    other = await client.request(endpoint.method, path, json={**(body or {}), "colour": "red"}, headers=headers)
    assert other.status_code == 422
    text = "This idempotency key was used for another request. Use a new key."
    if path.startswith("/api/"):
        assert other.json() == {"success": False, "message": text}
    elif path.startswith(("/events/", "/reservations/")):
        assert other.json() == {"message": text}
    else:
        assert codes(other) == ["idempotency_key_reused"]
    assert await everything(database) == done


async def test_two_users_never_see_each_others_answers(client: AsyncClient, database: Database, user: User) -> None:
    body, other = {"title": "Sundays"}, await make_user(database)
    answers = [
        await client.post("/collection/", json=body, headers={"Idempotency-Key": "1"} | sender)
        for sender in (bearer(user), bearer(other))
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() != answers[1].json()
    assert "idempotent-replayed" not in answers[1].headers


async def test_a_refusal_is_answered_again_even_when_it_would_go_well_by_now(
    client: AsyncClient, database: Database, user: User
) -> None:
    session = await make_session(database, capacity=3)
    await make_booking(database, session=session, seats=2)
    held = await make_booking(database, user=user, session=session)
    path, headers = f"/v1/bookings/{ids.encode('bok', held.id)}/reserve", bearer(user) | {"Idempotency-Key": "k"}
    refused = await client.post(path, json={"seats": 2}, headers=headers)
    assert codes(refused) == ["seats_unavailable"]
    await database.primary.value("UPDATE sessions SET taken = 0 RETURNING 1")
    again = await client.post(path, json={"seats": 2}, headers=headers)
    assert shown(again) == shown(refused)
    assert again.headers["idempotent-replayed"] == "true"
    fresh = await client.post(path, json={"seats": 2}, headers=headers | {"Idempotency-Key": "another"})
    assert fresh.json()["booking"]["reserved_seats"] == 2


@pytest.mark.parametrize("body", [b'{"title": ', b'{"title": 1}', b"[]"])
async def test_a_body_that_cannot_be_read_is_refused_again(client: AsyncClient, user: User, body: bytes) -> None:
    headers = bearer(user) | {"Idempotency-Key": "k", "Content-Type": "application/json"}
    first = await client.post("/collection/", content=body, headers=headers)
    again = await client.post("/collection/", content=body, headers=headers)
    assert first.status_code in (400, 422)
    assert shown(again) == shown(first)
    mended = await client.post("/collection/", json={"title": "Sundays"}, headers=headers)
    assert codes(mended) == ["idempotency_key_reused"]


async def test_who_is_not_known_is_refused_before_the_key_is_looked_at(client: AsyncClient, user: User) -> None:
    headers = {"Idempotency-Key": "k"}
    assert codes(await client.post("/collection/", json={"title": "x"}, headers=headers)) == ["unauthenticated"]
    answer = await client.post("/collection/", json={"title": "x"}, headers=headers | bearer(user))
    assert answer.status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "caf\u00e9"])
async def test_what_is_no_key_is_refused_by_its_name(client: AsyncClient, user: User, key: str) -> None:
    headers: list[tuple[str, str | bytes]] = [*bearer(user).items(), ("Idempotency-Key", key.encode("latin-1"))]
    answer = await client.post("/collection/", json={"title": "x"}, headers=headers)  # type: ignore[arg-type]  # bytes
    assert answer.status_code == 422
    assert codes(answer) == ["invalid_input"]
    assert "`Idempotency-Key` must have 1 to 255" in answer.text


async def test_the_longest_key_is_taken_and_two_keys_are_not(client: AsyncClient, user: User) -> None:
    key = ("Idempotency-Key", "x" * 255)
    for _ in range(2):
        answer = await client.post("/collection/", json={"title": "x"}, headers=[*bearer(user).items(), key])
        assert answer.status_code == 201
    assert answer.headers["idempotent-replayed"] == "true"
    answer = await client.post("/collection/", json={"title": "x"}, headers=[*bearer(user).items(), key, key])
    assert codes(answer) == ["invalid_input"]


async def test_the_slash_at_the_end_makes_no_other_request(client: AsyncClient, user: User) -> None:
    headers = bearer(user) | {"Idempotency-Key": "k"}
    first = await client.post("/collection/", json={"title": "x"}, headers=headers)
    assert shown(await client.post("/collection", json={"title": "x"}, headers=headers)) == shown(first)


async def test_get_and_delete_take_no_notice_of_a_key(client: AsyncClient, database: Database, user: User) -> None:
    path = f"/collection/{ids.to_uuid('col', (await make_collection(database, user=user)).id)}/"
    headers = bearer(user) | {"Idempotency-Key": "x" * 999}
    assert (await client.get(path, headers=headers)).status_code == 200
    assert (await client.delete(path, headers=headers)).status_code == 204
    assert (await client.delete(path, headers=headers)).status_code == 404
    assert await database.primary.value("SELECT count(*) FROM idempotency_keys") == 0


async def test_a_request_without_a_key_leaves_none(client: AsyncClient, database: Database, user: User) -> None:
    for _ in range(2):
        answer = await client.post("/collection/", json={"title": "x"}, headers=bearer(user))
        assert "idempotent-replayed" not in answer.headers
    assert await database.primary.value("SELECT count(*) FROM collections") == 2
    assert await database.primary.value("SELECT count(*) FROM idempotency_keys") == 0


async def test_a_day_later_the_key_is_free_though_no_job_has_run(
    client: AsyncClient, database: Database, user: User
) -> None:
    headers = bearer(user) | {"Idempotency-Key": "k"}
    old = "UPDATE idempotency_keys SET created_at = clock_timestamp() - %(age)s::interval RETURNING 1"
    first = await client.post("/collection/", json={"title": "x"}, headers=headers)
    await database.primary.value(old, age="23 hours 59 minutes")
    assert shown(await client.post("/collection/", json={"title": "x"}, headers=headers)) == shown(first)
    await database.primary.value(old, age="24 hours 1 second")
    later = await client.post("/collection/", json={"title": "y"}, headers=headers)
    assert later.status_code == 201
    again = await client.post("/collection/", json={"title": "y"}, headers=headers)
    assert shown(again) == shown(later)


async def test_no_token_name_or_password_can_be_read_in_the_table(
    client: AsyncClient, database: Database, user: User
) -> None:
    headers = {"Idempotency-Key": "k"}
    signed_in = await client.post("/v1/auth/signin", json={"email": user.email, "password": PASSWORD}, headers=headers)
    sold = await client.post(
        "/api/book-ticket", json=SHOW | {"showTiming": soon().isoformat()}, headers={"Idempotency-Key": "l"}
    )
    assert sold.status_code == 201
    rows = await database.primary.tuples("SELECT caller, key, fingerprint, answer FROM idempotency_keys")
    kept = b"\n".join(bytes(value) if isinstance(value, bytes) else value.encode() for row in rows for value in row)
    assert len(rows) == 2
    for secret in (signed_in.json()["token"], PASSWORD, user.email or "", "Ada", "+33"):
        assert secret.encode() not in kept


async def test_an_answer_of_503_is_not_kept_and_a_retry_runs_anew(
    client: AsyncClient, database: Database, user: User
) -> None:
    headers = bearer(user) | {"Idempotency-Key": "k"}
    async with holding(database, "LOCK TABLE collections"):
        answer = await client.post("/collection/", json={"title": "x"}, headers=headers)
        assert codes(answer) == ["unavailable"]
    assert await database.primary.value("SELECT count(*) FROM idempotency_keys") == 0
    answer = await client.post("/collection/", json={"title": "x"}, headers=headers)
    assert answer.status_code == 201
    assert "idempotent-replayed" not in answer.headers


async def test_an_answer_of_429_is_not_kept_and_a_replay_counts_for_no_limit(
    settings: Settings, database: Database, user: User
) -> None:
    limited = replace(settings, limits=replace(settings.limits, sign_in=Rate(1, 60)))
    body = {"email": user.email, "password": PASSWORD}
    async with running(create_app(limited, with_jobs=False)) as client:
        answers = [
            await client.post("/v1/auth/signin", json=body, headers={"Idempotency-Key": key}) for key in ("a", "b", "a")
        ]
    assert [answer.status_code for answer in answers] == [200, 429, 200]
    assert answers[2].content == answers[0].content
    assert await database.primary.tuples("SELECT key FROM idempotency_keys") == [("a",)]


async def test_while_the_first_runs_others_with_its_key_are_told_to_wait(
    client: AsyncClient, database: Database, user: User
) -> None:
    headers = bearer(user) | {"Idempotency-Key": "k"}
    async with holding(database, "LOCK TABLE collections"):
        first = await started(database, client.post("/collection/", json={"title": "x"}, headers=headers))
        other = await client.post("/collection/", json={"title": "x"}, headers=headers)
        assert other.status_code == 409
        assert codes(other) == ["request_in_progress"]
        assert other.headers["retry-after"] == "1"
    assert (await first).status_code == 201
    assert shown(await client.post("/collection/", json={"title": "x"}, headers=headers)) == shown(await first)


async def test_while_a_password_is_hashed_no_connection_is_held_and_the_key_is_taken(
    client: AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, headers = {"email": "new@example.org", "password": PASSWORD}, {"Idempotency-Key": "k"}
    reached, going_on = asyncio.Event(), asyncio.Event()
    hashing = Passwords.hash

    async def held_up(passwords: Passwords, password: str) -> str:
        reached.set()
        await going_on.wait()
        return await hashing(passwords, password)

    monkeypatch.setattr(Passwords, "hash", held_up)
    first = asyncio.create_task(client.post("/v1/auth/signup", json=body, headers=headers))
    await reached.wait()
    await until_no_transaction_waits(database)
    other = await client.post("/v1/auth/signup", json=body, headers=headers)
    assert codes(other) == ["request_in_progress"]
    going_on.set()
    assert (await first).status_code == 201
    assert shown(await client.post("/v1/auth/signup", json=body, headers=headers)) == shown(await first)


async def test_a_request_that_was_killed_while_it_hashed_gives_its_key_up_when_the_lease_ends(
    client: AsyncClient, database: Database
) -> None:
    body, headers = {"email": "new@example.org", "password": PASSWORD}, {"Idempotency-Key": "k"}
    lease = """
        INSERT INTO idempotency_keys (caller, key, fingerprint, leased_until)
        VALUES ('anonymous', 'k', '', clock_timestamp() + interval '20 seconds') RETURNING 1
    """
    await database.primary.value(lease)
    assert codes(await client.post("/v1/auth/signup", json=body, headers=headers)) == ["request_in_progress"]
    await database.primary.value("UPDATE idempotency_keys SET leased_until = clock_timestamp() RETURNING 1")
    assert (await client.post("/v1/auth/signup", json=body, headers=headers)).status_code == 201
    assert (await client.post("/v1/auth/signup", json=body, headers=headers)).headers["idempotent-replayed"] == "true"


async def test_a_request_whose_lease_was_taken_over_does_nothing_any_more(
    client: AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, headers = {"email": "new@example.org", "password": PASSWORD}, {"Idempotency-Key": "k"}
    hashing = Passwords.hash

    async def overtaken(passwords: Passwords, password: str) -> str:
        monkeypatch.setattr(Passwords, "hash", hashing)
        await database.primary.value("UPDATE idempotency_keys SET leased_until = clock_timestamp() RETURNING 1")
        rival = await client.post("/v1/auth/signup", json=body, headers=headers)
        assert rival.status_code == 201
        return await hashing(passwords, password)

    monkeypatch.setattr(Passwords, "hash", overtaken)
    late = await client.post("/v1/auth/signup", json=body, headers=headers)
    assert codes(late) == ["request_in_progress"]
    assert await database.primary.value("SELECT count(*) FROM users WHERE email = 'new@example.org'") == 1
    assert (await client.post("/v1/auth/signup", json=body, headers=headers)).headers["idempotent-replayed"] == "true"


async def test_an_answer_too_large_to_be_kept_is_refused_and_undone(
    client: AsyncClient, database: Database, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "LARGEST_RESPONSE", 10)
    answer = await client.post("/collection/", json={"title": "x"}, headers=bearer(user) | {"Idempotency-Key": "k"})
    assert codes(answer) == ["invalid_input"]
    assert "`Idempotency-Key` cannot be honoured" in answer.text
    assert await database.primary.value("SELECT count(*) FROM collections") == 0


async def test_a_bug_leaves_nothing_behind(
    client: AsyncClient, database: Database, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = bearer(user) | {"Idempotency-Key": "k"}
    with monkeypatch.context() as patch:
        patch.setattr(ids, "to_uuid", lambda *_: 1 / 0)
        answer = await client.post("/collection/", json={"title": "x"}, headers=headers)
        assert codes(answer) == ["internal"]
    assert await database.primary.value("SELECT count(*) FROM collections") == 0
    assert (await client.post("/collection/", json={"title": "x"}, headers=headers)).status_code == 201


async def test_the_secret_may_change_meanwhile(settings: Settings, user: User) -> None:
    newer = replace(settings, secrets=(b"a newer secret of thirty-two bytes", *settings.secrets))
    headers, answers = bearer(user) | {"Idempotency-Key": "k"}, []
    for each in (settings, newer):
        async with running(create_app(each, with_jobs=False)) as client:
            answers.append(await client.post("/collection/", json={"title": "x"}, headers=headers))
    assert shown(answers[1]) == shown(answers[0])
    assert answers[1].headers["idempotent-replayed"] == "true"


async def test_the_counters_keys_are_its_own(settings: Settings, database: Database) -> None:
    event = {"name": "Mars", "description": "", "date": "2047-01-01T00:00:00Z", "availability": 1}
    staff = await make_user(database, is_staff=True)
    async with running(
        create_app(replace(settings, counter_token=b"the-counter-s-own-token"), with_jobs=False)
    ) as client:
        for sender in ({"X-Auth-Token": "the-counter-s-own-token"}, bearer(staff)):
            answer = await client.post("/events/", json=event, headers={"Idempotency-Key": "k"} | sender)
            assert answer.status_code == 201
            assert "idempotent-replayed" not in answer.headers
    callers = await database.primary.tuples("SELECT caller FROM idempotency_keys ORDER BY 1")
    assert callers == [("counter",), (ids.encode("usr", staff.id),)]


async def test_the_access_log_tells_a_replay(client: AsyncClient, user: User) -> None:
    headers = bearer(user) | {"Idempotency-Key": "k"}
    with capture_logs(processors=[merge_contextvars]) as lines:
        for _ in range(2):
            await client.post("/collection/", json={"title": "x"}, headers=headers)
    assert [line.get("replayed") for line in lines if line["event"] == "request"] == [None, True]
