"""GET /v1/movies, /v1/movies/{id} and their places, and POST /v1/movies/{id}/rate."""

import pytest
from httpx import AsyncClient

from db import ids
from db.engine import Database
from db.models import Movie
from tests.support.answers import codes, message
from tests.support.factories import bearer, make_movie, make_place, make_rating, make_session, make_user, soon
from tests.support.statements import Statements

NOWHERE = ["mov_1", "mov_", "mov_01", "mov_99999999999999999999", "plc_1", "1", "%00", "mov_1%00", "é", "mov_-1"]


async def titles(client: AsyncClient, path: str) -> list[str]:
    response = await client.get(path)
    assert response.status_code == 200, response.text
    return [movie["title"] for movie in response.json()["movies"]]


async def test_movie_has_exactly_the_contract_fields(client: AsyncClient, database: Database) -> None:
    movie = await make_movie(database, title="La Jetée", description="A man is sent back.", duration=28)
    await make_session(database, movie=movie, starts_at=soon(48).replace(hour=18, minute=30, second=0))
    await make_session(database, movie=movie, starts_at=soon(96).replace(hour=18, minute=30, second=0))
    await make_rating(database, movie=movie, value=4.0)
    await make_rating(database, movie=movie, value=4.5)
    first, last = f"{soon(48):%Y-%m-%d}T18:30:00Z", f"{soon(96):%Y-%m-%d}T18:30:00Z"

    response = await client.get(f"/v1/movies/{ids.encode('mov', movie.id)}")

    assert response.status_code == 200
    assert response.json() == {
        "movie": {
            "id": ids.encode("mov", movie.id),
            "title": "La Jetée",
            "description": "A man is sent back.",
            "poster": f"https://cinema.test{movie.poster}",
            "duration": 28,
            "airing_dates": {"from": first, "to": last},
            "rating": 4.25,
        }
    }


async def test_movie_without_sessions_and_ratings_has_nulls(client: AsyncClient, database: Database) -> None:
    movie = await make_movie(database, poster="https://images.example.org/1.jpg")
    found = (await client.get(f"/v1/movies/{ids.encode('mov', movie.id)}/")).json()["movie"]

    assert found["airing_dates"] is None
    assert found["rating"] is None
    assert found["poster"] == "https://images.example.org/1.jpg"


@pytest.mark.parametrize("public_id", NOWHERE)
@pytest.mark.parametrize("below", ["", "/places", "/places/plc_1/sessions"])
async def test_answers_404_for_unknown_movie(client: AsyncClient, public_id: str, below: str) -> None:
    response = await client.get(f"/v1/movies/{public_id}{below}")

    assert response.status_code == 404
    assert codes(response) == ["movie_not_found"]


@pytest.fixture
async def three(database: Database) -> None:
    """Three movies, in a different order for each sort, and one without sessions and ratings."""
    one, two, three = [await make_movie(database, title=title) for title in ("One", "Two", "Three")]
    await make_movie(database, title="Bare")
    place = await make_place(database)
    for movie, value, first, last in ((one, 5, 10, 90), (two, 3, 30, 60), (three, 4, 20, 120)):
        await make_rating(database, movie=movie, value=value)
        await make_session(database, movie=movie, place=place, starts_at=soon(first))
        await make_session(database, movie=movie, place=place, starts_at=soon(last))


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["One", "Three", "Two", "Bare"]),
        ("?sort=rating", ["One", "Three", "Two", "Bare"]),
        ("?sort=new", ["Two", "Three", "One", "Bare"]),
        ("?sort=leaving_soon", ["Two", "One", "Three", "Bare"]),
        ("?limit=1", ["One"]),
        ("?utm_source=newsletter", ["One", "Three", "Two", "Bare"]),
    ],
)
async def test_sorts_movies_as_requested(client: AsyncClient, query: str, expected: list[str]) -> None:
    assert await titles(client, f"/v1/movies{query}") == expected


async def test_pages_follow_each_other_without_gap_or_repetition(client: AsyncClient, database: Database) -> None:
    for value in (1, 2, 3, 4, 5):
        await make_rating(database, value=value)
    await make_movie(database)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await client.get(f"/v1/movies?limit=2{cursor and f'&cursor={cursor}'}")).json()
        seen += [movie["id"] for movie in page["movies"]]
        assert set(page["metadata"]) == {"has_more", "end_cursor"}
        cursor = page["metadata"]["end_cursor"] if page["metadata"]["has_more"] else None

    whole = (await client.get("/v1/movies")).json()
    assert seen == [movie["id"] for movie in whole["movies"]]
    assert len(set(seen)) == 6
    assert whole["metadata"]["has_more"] is False
    assert whole["metadata"]["end_cursor"] == page["metadata"]["end_cursor"]


async def test_empty_list_has_no_cursor(client: AsyncClient) -> None:
    response = await client.get("/v1/movies")

    assert response.json() == {"movies": [], "metadata": {"has_more": False, "end_cursor": None}}


@pytest.mark.parametrize("path", ["/v1/movies", "/v1/movies/{movie}/places", "/v1/bookings"])
@pytest.mark.parametrize("limit", ["0", "101", "-1", "+5", "1.0", "1e1", "ten", "", "٣", "9" * 30, "5&limit=6", "%00"])
async def test_refuses_limit_outside_1_to_100(client: AsyncClient, database: Database, path: str, limit: str) -> None:
    movie = await make_movie(database)
    address = path.format(movie=ids.encode("mov", movie.id))
    response = await client.get(f"{address}?limit={limit}", headers=bearer(await make_user(database)))

    assert response.status_code == 422
    assert codes(response) == ["invalid_limit"]
    assert message(response) == "`limit` must be a whole number from 1 to 100."


async def test_returns_20_by_default_and_at_most_100(client: AsyncClient, database: Database) -> None:
    for _ in range(21):
        await make_movie(database)

    assert len(await titles(client, "/v1/movies")) == 20
    assert len(await titles(client, "/v1/movies?limit=100")) == 21


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("other", ["sort=new", "sort=leaving_soon"])
async def test_refuses_cursor_of_another_sort(client: AsyncClient, other: str) -> None:
    page = (await client.get("/v1/movies?limit=1")).json()
    response = await client.get(f"/v1/movies?{other}&cursor={page['metadata']['end_cursor']}")

    assert response.status_code == 422
    assert codes(response) == ["invalid_cursor"]
    assert message(response).startswith("`cursor` is not a cursor of this list.")


@pytest.mark.parametrize("cursor", ["", "x", "%00", "é", "AAAA", "A" * 5000, "a&cursor=b", "%F0%9F%8E%AC"])
async def test_refuses_foreign_cursor(client: AsyncClient, cursor: str) -> None:
    response = await client.get(f"/v1/movies?cursor={cursor}")

    assert response.status_code == 422
    assert codes(response) == ["invalid_cursor"]


@pytest.mark.parametrize("sort", ["", "Rating", "title", "leaving soon", "%00", "new&sort=new"])
async def test_refuses_unknown_sort(client: AsyncClient, sort: str) -> None:
    response = await client.get(f"/v1/movies?sort={sort}")

    assert response.status_code == 422
    assert codes(response) == ["invalid_sort"]
    assert message(response) == "`sort` must be one of rating, new, leaving_soon."


async def test_reports_all_faults_of_query_parameters_at_once(client: AsyncClient) -> None:
    response = await client.get("/v1/movies?sort=x&limit=x")

    assert sorted(codes(response)) == ["invalid_limit", "invalid_sort"]


@pytest.mark.usefixtures("three")
async def test_list_of_movies_costs_one_statement(client: AsyncClient, statements: Statements) -> None:
    statements.clear()
    await titles(client, "/v1/movies")

    assert len(statements) == 1


async def test_ignores_content_type_of_a_get(client: AsyncClient) -> None:
    response = await client.request(
        "GET", "/v1/movies", content=b"not json", headers={"Content-Type": "application/xml"}
    )

    assert response.status_code == 200


async def test_answers_401_for_bad_token_where_none_is_needed(client: AsyncClient) -> None:
    response = await client.get("/v1/movies", headers={"Authorization": "Bearer not.one.ofours"})

    assert response.status_code == 401
    assert codes(response) == ["unauthenticated"]
    assert response.headers["www-authenticate"] == "Bearer"


# Places


async def test_place_has_exactly_the_contract_fields(client: AsyncClient, database: Database) -> None:
    session = await make_session(database, place=await make_place(database, name="Le Rex", address="1 rue Un, Paris"))
    response = await client.get(f"/v1/movies/{ids.encode('mov', session.movie_id)}/places")

    assert response.status_code == 200
    body = response.json()
    assert body["places"] == [
        {"id": ids.encode("plc", session.place_id), "name": "Le Rex", "address": "1 rue Un, Paris"}
    ]
    assert body["metadata"] == {"has_more": False, "end_cursor": body["metadata"]["end_cursor"]}


async def test_lists_places_with_current_or_future_sessions_by_name(client: AsyncClient, database: Database) -> None:
    movie = await make_movie(database, duration=120)
    for name, hours in (("Éden", 5), ("Balzac", -1), ("Casino", 48), ("Gone", -3), ("balzac 2", 1)):
        await make_session(database, movie=movie, place=await make_place(database, name=name), starts_at=soon(hours))
    path = f"/v1/movies/{ids.encode('mov', movie.id)}/places"
    whole = (await client.get(path)).json()
    first = (await client.get(f"{path}?limit=3")).json()
    rest = (await client.get(f"{path}?limit=3&cursor={first['metadata']['end_cursor']}")).json()

    assert [place["name"] for place in whole["places"]] == ["Balzac", "balzac 2", "Casino", "Éden"]
    assert first["places"] + rest["places"] == whole["places"]
    assert (first["metadata"]["has_more"], rest["metadata"]["has_more"]) == (True, False)


async def test_lists_no_places_of_movie_without_sessions(client: AsyncClient, database: Database) -> None:
    movie = await make_movie(database)
    response = await client.get(f"/v1/movies/{ids.encode('mov', movie.id)}/places")

    assert response.json() == {"places": [], "metadata": {"has_more": False, "end_cursor": None}}


async def test_refuses_cursor_of_another_movies_places(client: AsyncClient, database: Database) -> None:
    session = await make_session(database)
    other = await make_movie(database)
    page = (await client.get(f"/v1/movies/{ids.encode('mov', session.movie_id)}/places")).json()
    response = await client.get(
        f"/v1/movies/{ids.encode('mov', other.id)}/places?cursor={page['metadata']['end_cursor']}"
    )

    assert codes(response) == ["invalid_cursor"]


# Ratings


def rate_path(movie: Movie) -> str:
    return f"/v1/movies/{ids.encode('mov', movie.id)}/rate"


async def test_rating_again_replaces_the_first_rating(client: AsyncClient, database: Database) -> None:
    movie, user = await make_movie(database), await make_user(database)
    first = await client.post(rate_path(movie), json={"value": 5}, headers=bearer(user))
    second = await client.post(rate_path(movie), json={"value": 2.5}, headers=bearer(user))
    found = (await client.get(f"/v1/movies/{ids.encode('mov', movie.id)}")).json()["movie"]

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == {"rating": {"id": first.json()["rating"]["id"], "value": 5}}
    assert second.json() == {"rating": {"id": first.json()["rating"]["id"], "value": 2.5}}
    assert first.json()["rating"]["id"].startswith("rat_")
    assert found["rating"] == 2.5


@pytest.mark.parametrize("value", [0, 5, 0.0, 4.999])
async def test_accepts_ratings_0_and_5(client: AsyncClient, database: Database, value: float) -> None:
    movie, user = await make_movie(database), await make_user(database)
    response = await client.post(rate_path(movie), json={"value": value}, headers=bearer(user))

    assert response.status_code == 201
    assert response.json()["rating"]["value"] == value


@pytest.mark.parametrize("value", [-0.1, 5.0001, 6, 1e300, "3", "", None, True, [3], {"value": 3}, 2**70])
async def test_refuses_rating_outside_0_to_5(client: AsyncClient, database: Database, value: object) -> None:
    movie, user = await make_movie(database), await make_user(database)
    response = await client.post(rate_path(movie), json={"value": value}, headers=bearer(user))

    assert response.status_code == 422
    assert codes(response) == ["invalid_rating"]
    assert await database.primary.value("SELECT count(*) FROM ratings") == 0


async def test_rating_needs_token(client: AsyncClient, database: Database) -> None:
    movie = await make_movie(database)
    response = await client.post(rate_path(movie), json={"value": "wrong as well"})

    assert response.status_code == 401
    assert codes(response) == ["unauthenticated"]
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("public_id", NOWHERE)
async def test_refuses_rating_of_missing_movie(client: AsyncClient, database: Database, public_id: str) -> None:
    response = await client.post(
        f"/v1/movies/{public_id}/rate", json={"value": 3}, headers=bearer(await make_user(database))
    )

    assert response.status_code == 404
    assert codes(response) == ["movie_not_found"]


async def test_refuses_token_of_deleted_account(client: AsyncClient, database: Database) -> None:
    movie, user = await make_movie(database), await make_user(database)
    await database.primary.value("DELETE FROM users RETURNING 1")
    response = await client.post(rate_path(movie), json={"value": 3}, headers=bearer(user))

    assert response.status_code == 401
    assert codes(response) == ["unauthenticated"]
