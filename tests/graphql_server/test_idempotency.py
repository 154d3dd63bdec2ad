"""A mutation with an idempotency key runs once, and what comes of it for now only is not kept."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import pytest
from httpx import AsyncClient, Response

from config.settings import Settings
from db import ids
from db.engine import Database
from db.models import User
from tests.support.factories import PASSWORD, bearer, make_booking, make_movie, make_session, make_user
from tests.support.price_party import TOKEN, PriceParty, price_party
from tests.support.rivals import holding, started, until_no_transaction_waits

KEY: Final = {"Idempotency-Key": "a key"}
COLLECT: Final = """
    mutation ($title: String!) {
        createCollection(input: {title: $title}) { collection { id title movies { title } } errors { code } }
    }
"""
OPEN: Final = """mutation ($id: ID!) { openBooking(input: {sessionId: $id}) {
    booking { id status session { id seatsAvailable movie { id title viewerRating { value } } place { name } } }
    errors { code }
} }"""
OPEN_AND_COLLECT: Final = """mutation ($id: ID!) {
    openBooking(input: {sessionId: $id}) { booking { id } errors { code } }
    createCollection(input: {title: "x"}) { collection { id } errors { code } }
}"""
OPEN_AND_RESERVE: Final = """mutation ($id: ID!, $booking: ID!) {
    openBooking(input: {sessionId: $id}) { booking { id } errors { code } }
    reserveSeats(input: {bookingId: $booking, seats: 1}) { booking { id } errors { code } }
}"""
PUBLISH: Final = """mutation {
    publishMovie(input: {provider: "cinemaworld", title: "a", body: "b", price: "1"}) { providerMovieId errors { code } }
}"""

LEASED: Final = "SELECT count(*) FROM idempotency_keys WHERE leased_until > clock_timestamp()"


@pytest.fixture
def party() -> Iterator[PriceParty]:
    with price_party([]) as running:
        yield running


@pytest.fixture
def settings(settings: Settings, party: PriceParty) -> Settings:
    return replace(settings, lock_seconds=0.5, cinemaworld_url=party.url, cinemaworld_token=TOKEN)


@pytest.fixture
async def user(database: Database) -> User:
    return await make_user(database)


async def send(
    client: AsyncClient, query: str, *, by: User | None = None, accept: str = "application/json", **variables: Any
) -> Response:
    headers = KEY | {"Accept": accept} | (bearer(by) if by else {})
    return await client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)


def is_replay(response: Response) -> bool:
    return bool(response.headers.get("idempotent-replayed") == "true")


def codes(response: Response) -> list[str]:
    return [error["extensions"]["code"] for error in response.json()["errors"]]


async def count(database: Database, table: str) -> int:
    return int(await database.primary.value(f"SELECT count(*) FROM {table}"))  # noqa: S608 - names of ours


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_it_is_done_once_and_answered_again(
    client: AsyncClient, database: Database, user: User, accept: str
) -> None:
    first = await send(client, COLLECT, by=user, accept=accept, title="x")
    again = await send(client, COLLECT, by=user, accept=accept, title="x")
    assert first.json()["data"]["createCollection"]["collection"]["title"] == "x"
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["content-type"] == first.headers["content-type"]
    assert (is_replay(first), is_replay(again)) == (False, True)
    assert await count(database, "collections") == 1


async def test_the_answer_tells_what_has_just_been_done_and_what_siblings_read(
    client: AsyncClient, database: Database, user: User
) -> None:
    session = await make_session(database, capacity=5)
    await make_booking(database, session=session, seats=2)
    public_id = ids.encode("ses", session.id)
    keyed = await send(client, OPEN, by=user, id=public_id)
    body = {"query": OPEN, "variables": {"id": public_id}}
    plain = await client.post("/graphql", json=body, headers=bearer(user))
    answers = [answer.json()["data"]["openBooking"] for answer in (keyed, plain)]
    assert [answer["booking"].pop("id")[:4] for answer in answers] == ["bok_", "bok_"]
    assert answers[0] == answers[1]
    assert answers[0]["booking"]["session"]["seatsAvailable"] == 3


async def test_another_mutation_with_the_same_key_is_refused(
    client: AsyncClient, database: Database, user: User
) -> None:
    await send(client, COLLECT, by=user, title="x")
    other = await send(client, COLLECT, by=user, title="y")
    assert (other.status_code, codes(other)) == (422, ["IDEMPOTENCY_KEY_REUSED"])
    assert await count(database, "collections") == 1


async def test_a_key_is_its_callers_own(client: AsyncClient, database: Database, user: User) -> None:
    answers = [await send(client, COLLECT, by=by, title="x") for by in (user, await make_user(database))]
    assert not any(map(is_replay, answers))
    assert await count(database, "collections") == 2


async def test_rest_and_graphql_share_the_keys_of_a_caller(client: AsyncClient, user: User) -> None:
    await send(client, COLLECT, by=user, title="x")
    answer = await client.post("/collection/", json={"title": "x"}, headers=KEY | bearer(user))
    assert answer.json()["errors"][0]["code"] == "idempotency_key_reused"


async def test_a_query_takes_no_notice_of_a_key(client: AsyncClient, database: Database) -> None:
    for key in ("k", "k", "x" * 999):
        answer = await client.post("/graphql", json={"query": "{ __typename }"}, headers={"Idempotency-Key": key})
        assert answer.json()["data"] == {"__typename": "Query"}
        assert not is_replay(answer)
    assert await count(database, "idempotency_keys") == 0


async def test_a_key_does_not_let_mutations_through_by_get(client: AsyncClient, user: User) -> None:
    answer = await client.get("/graphql", params={"query": "mutation { __typename }"}, headers=KEY | bearer(user))
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_what_is_no_key_is_refused_by_its_name(client: AsyncClient, user: User) -> None:
    headers = bearer(user) | {"Idempotency-Key": "x" * 256}
    answer = await client.post("/graphql", json={"query": COLLECT, "variables": {"title": "x"}}, headers=headers)
    assert (answer.status_code, codes(answer)) == (400, ["INVALID_INPUT"])
    assert "`Idempotency-Key`" in answer.text


async def test_a_document_without_a_mutation_that_is_meant_keeps_nothing(
    client: AsyncClient, database: Database, user: User
) -> None:
    for query in ("mutation {", "mutation A { __typename } mutation B { __typename }"):
        assert codes(await send(client, query, by=user)) == ["INVALID_INPUT"]
    assert await count(database, "idempotency_keys") == 0


async def test_a_mutation_that_is_not_valid_is_answered_as_a_malformed_body_is(client: AsyncClient, user: User) -> None:
    first, again = [await send(client, "mutation { nothing }", by=user) for _ in range(2)]
    assert (again.content, is_replay(again)) == (first.content, True)
    assert codes(await send(client, COLLECT, by=user, title="x")) == ["IDEMPOTENCY_KEY_REUSED"]


async def test_a_refusal_is_answered_again(client: AsyncClient, database: Database, user: User) -> None:
    session = await make_session(database, capacity=1)
    public_id = ids.encode("ses", session.id)
    taken = await make_booking(database, session=session, seats=1)
    held = ids.encode("bok", (await make_booking(database, user=user, session=session)).id)
    first = await send(client, OPEN_AND_RESERVE, by=user, id=public_id, booking=held)
    assert first.json()["data"]["openBooking"]["errors"] == []
    assert first.json()["data"]["reserveSeats"]["errors"] == [{"code": "SEATS_UNAVAILABLE"}]
    await database.primary.value("UPDATE sessions SET taken = 0 WHERE id = %(id)s RETURNING 1", id=taken.session_id)
    again = await send(client, OPEN_AND_RESERVE, by=user, id=public_id, booking=held)
    assert again.content == first.content
    assert is_replay(again)
    assert await count(database, "bookings") == 3


async def test_where_one_field_is_unavailable_no_field_was_done(
    client: AsyncClient, database: Database, user: User
) -> None:
    public_id = ids.encode("ses", (await make_session(database)).id)
    async with holding(database, "LOCK TABLE collections"):
        answer = await send(client, OPEN_AND_COLLECT, by=user, id=public_id)
    assert (answer.status_code, codes(answer)) == (503, ["UNAVAILABLE"])
    assert answer.json()["data"] is None
    assert await count(database, "bookings") == 0
    retry = await send(client, OPEN_AND_COLLECT, by=user, id=public_id)
    assert (retry.status_code, is_replay(retry)) == (200, False)
    assert await count(database, "bookings") == 1


async def test_where_a_field_fails_of_a_bug_nothing_was_done(
    client: AsyncClient, database: Database, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("hunter2")

    public_id = ids.encode("ses", (await make_session(database)).id)
    with monkeypatch.context() as patch:
        patch.setattr("resolvers.bookings.load_booked_session", broken)
        answer = await send(client, OPEN, by=user, id=public_id)
    assert codes(answer) == ["INTERNAL"]
    assert answer.json()["data"] is None
    assert await count(database, "bookings") == 0
    assert (await send(client, OPEN, by=user, id=public_id)).json()["data"]["openBooking"]["errors"] == []


async def test_while_the_first_runs_others_are_told_to_wait(
    client: AsyncClient, database: Database, user: User
) -> None:
    async with holding(database, "LOCK TABLE collections"):
        first = await started(database, send(client, COLLECT, by=user, title="x"))
        other = await send(client, COLLECT, by=user, title="x")
        assert (other.status_code, codes(other)) == (409, ["REQUEST_IN_PROGRESS"])
        assert other.headers["retry-after"] == "1"
    assert (await first).json()["data"]["createCollection"]["errors"] == []


async def test_signing_up_and_in_are_answered_again(client: AsyncClient, database: Database) -> None:
    for name in ("signUp", "signIn"):
        document = f"""mutation {{ {name}(input: {{identity: {{email: "new@example.org"}}, password: "{PASSWORD}"}}) {{
            user {{ email }} token errors {{ code }}
        }} }}"""
        await database.primary.tuples("DELETE FROM idempotency_keys RETURNING 1")
        first, again = await send(client, document), await send(client, document)
        assert first.json()["data"][name]["user"] == {"email": "new@example.org"}
        assert again.content == first.content
        assert is_replay(again)


async def test_a_page_that_signs_in_again_gets_its_cookie_again(client: AsyncClient, database: Database) -> None:
    user = await make_user(database)
    document = (
        f"""mutation {{ signIn(input: {{identity: {{email: "{user.email}"}}, password: "{PASSWORD}"}}) {{ token }} }}"""
    )
    headers = KEY | {"Sec-Fetch-Site": "same-origin", "Matinee-Session": "keep"}
    cookies = []
    for _ in range(2):
        client.cookies.clear()
        answer = await client.post("/graphql", json={"query": document}, headers=headers)
        cookies.append(answer.headers["set-cookie"])
    assert is_replay(answer)
    assert cookies[0] == cookies[1]


@pytest.mark.parametrize(
    ("document", "table"),
    [
        ("mutation { requestMovieExport { export { id status } errors { code } } }", "queue.procrastinate_jobs"),
        ("mutation { resetRequestCount { requestCount } }", "request_count_resets"),
        (
            """mutation { trackPage(input: {trackingId: "ada", type: PAGE_ENTER, page: {scheme: "https", path: "/"}}) {
                ok errors { code }
            } }""",
            "page_views",
        ),
    ],
)
async def test_what_has_a_way_of_its_own_into_the_database_goes_along(
    client: AsyncClient, database: Database, user: User, document: str, table: str
) -> None:
    first, again = await send(client, document, by=user), await send(client, document, by=user)
    assert "errors" not in first.json(), first.text
    assert (again.content, is_replay(again)) == (first.content, True)
    assert await count(database, table) == 1


async def test_a_provider_is_called_once_and_outside_of_a_transaction(
    client: AsyncClient, database: Database, party: PriceParty
) -> None:
    staff = await make_user(database, is_staff=True)
    party.hanging = True
    asking = asyncio.create_task(send(client, PUBLISH, by=staff))
    async with asyncio.timeout(5):
        while not await database.primary.value(LEASED):  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.01)
    await until_no_transaction_waits(database)
    assert codes(await send(client, PUBLISH, by=staff)) == ["REQUEST_IN_PROGRESS"]
    asking.cancel()
    await asyncio.wait([asking])
    assert await count(database, "idempotency_keys") == 0

    party.hanging = False
    first, again = await send(client, PUBLISH, by=staff), await send(client, PUBLISH, by=staff)
    assert first.json()["data"]["publishMovie"] == {"providerMovieId": "new1", "errors": []}
    assert (again.content, is_replay(again)) == (first.content, True)
    assert len(party.posted) == 1


async def test_a_provider_that_does_not_answer_may_be_asked_again_with_the_same_key(
    client: AsyncClient, database: Database, party: PriceParty
) -> None:
    staff = await make_user(database, is_staff=True)
    party.status = 503
    first = await send(client, PUBLISH, by=staff)
    assert first.json()["data"]["publishMovie"]["errors"] == [{"code": "UPSTREAM_UNAVAILABLE"}]
    assert await count(database, "idempotency_keys") == 0


async def test_what_was_done_beside_a_provider_that_does_not_answer_is_kept_with_the_answer(
    client: AsyncClient, database: Database, party: PriceParty
) -> None:
    staff = await make_user(database, is_staff=True)
    party.status = 503
    both = PUBLISH.replace("mutation {", 'mutation { createCollection(input: {title: "x"}) { collection { id } }')
    first, again = await send(client, both, by=staff), await send(client, both, by=staff)
    assert first.json()["data"]["publishMovie"]["errors"] == [{"code": "UPSTREAM_UNAVAILABLE"}]
    assert (again.content, is_replay(again)) == (first.content, True)
    assert await count(database, "collections") == 1


async def test_rating_a_movie_reads_its_new_mean_before_the_commit(
    client: AsyncClient, database: Database, user: User
) -> None:
    document = "mutation ($id: ID!) { rateMovie(input: {movieId: $id, value: 3}) { movie { rating } } }"
    answer = await send(client, document, by=user, id=ids.encode("mov", (await make_movie(database)).id))
    assert answer.json()["data"]["rateMovie"]["movie"] == {"rating": 3.0}
