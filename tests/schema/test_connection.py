"""Pages of every connection, both ways, and cursors that are shared with /v1 and with nothing else."""

from dataclasses import dataclass
from typing import Any

import pytest
from httpx import AsyncClient

from db import ids
from db.engine import Database
from db.models import Movie, Place, User
from tests.support.factories import (
    bearer,
    make_booking,
    make_movie,
    make_page_view,
    make_place,
    make_rating,
    make_session,
    make_user,
    soon,
)
from tests.support.graphql_client import Answer, GraphQL

ROWS = 5
PAGE = "edges { cursor node { id } } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
WINDOW = "first: $first, after: $after, last: $last, before: $before"
VARIABLES = "$first: Int, $after: String, $last: Int, $before: String"


@dataclass(frozen=True, slots=True)
class House:
    """Five of everything: movie 0 is in every place, place 0 shows every movie, the viewer has booked it all."""

    viewer: User
    movies: list[Movie]
    places: list[Place]


@pytest.fixture
async def house(database: Database) -> House:
    """See House; some of the movies are equal in what they are sorted by."""
    viewer = await make_user(database, is_staff=True)
    movies = [await make_movie(database, genres=["Drama", "Noir"]) for _ in range(ROWS)]
    places = [await make_place(database, name="Same" if number % 2 else "Other") for number in range(ROWS)]
    for number, movie in enumerate(movies):
        for each, place in enumerate(places):
            if number == 0 or each == 0:
                session = await make_session(database, movie=movie, place=place, starts_at=soon(24 + 3 * (number // 2)))
                await make_booking(database, user=viewer, session=session)
        if number % 2:
            await make_rating(database, user=viewer, movie=movie, value=3.5)
        await make_page_view(database, path="/same")
    return House(viewer, movies, places)


# Every connection, as a field of a document and the path to it.
CONNECTIONS = {
    "movies": f"movies({WINDOW})",
    "newest movies": f"movies(sort: NEW, {WINDOW})",
    "movies that leave soon": f"movies(sort: LEAVING_SOON, {WINDOW})",
    "movies of a genre": f'movies(filter: {{genre: "Noir"}}, {WINDOW})',
    "movies by words": f'movies(filter: {{search: "movie"}}, {WINDOW})',
    "places": f"places({WINDOW})",
    "page views": f"pageViews({WINDOW})",
    "page views of a path": f'pageViews(filter: {{path: "/same"}}, {WINDOW})',
    "Movie.places": f"movie(id: $movie) {{ places({WINDOW}) PAGE }}",
    "Movie.sessions": f"movie(id: $movie) {{ sessions({WINDOW}) PAGE }}",
    "Place.movies": f"place(id: $place) {{ movies({WINDOW}) PAGE }}",
    "Place.movies, the newest": f"place(id: $place) {{ movies(sort: NEW, {WINDOW}) PAGE }}",
    "Place.sessions": f"place(id: $place) {{ sessions({WINDOW}) PAGE }}",
    "User.bookings": f"viewer {{ bookings({WINDOW}) PAGE }}",
}


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection of the house, to be asked for page by page."""

    graphql: GraphQL
    house: House
    fields: str

    async def ask(self, **window: Any) -> Answer:
        """Send the window."""
        page = f"{{ totalCount {PAGE} }}"
        fields = self.fields.replace("PAGE", page) if "PAGE" in self.fields else f"{self.fields} {page}"
        used = "$movie: ID!, " * ("$movie" in fields) + "$place: ID!, " * ("$place" in fields)
        variables = {"movie": f"mov_{self.house.movies[0].id}", "place": f"plc_{self.house.places[0].id}"}
        document = f"query ({used}{VARIABLES}) {{ {fields} }}"
        return await self.graphql(document, {**variables, **window}, by=self.house.viewer)

    async def page(self, **window: Any) -> dict[str, Any]:
        """Return the page that a window asks for."""
        found: dict[str, Any] = (await self.ask(**window)).data
        while "edges" not in found:
            (found,) = found.values()
        return found


@pytest.fixture(params=list(CONNECTIONS.values()), ids=list(CONNECTIONS))
def connection(request: pytest.FixtureRequest, graphql: GraphQL, house: House) -> Connection:
    """Each of the connections."""
    return Connection(graphql, house, request.param)


def shown(page: dict[str, Any]) -> list[str]:
    """Return the ids on a page."""
    return [edge["node"]["id"] for edge in page["edges"]]


async def test_one_page_has_whole_list(connection: Connection) -> None:
    page = await connection.page(first=100)
    assert len(set(shown(page))) == page["totalCount"] >= ROWS
    assert [node["id"] for node in page["nodes"]] == shown(page)
    cursors = [edge["cursor"] for edge in page["edges"]]
    assert page["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": False,
        "startCursor": cursors[0],
        "endCursor": cursors[-1],
    }
    assert shown(await connection.page(last=100)) == shown(page)
    assert shown(await connection.page()) == shown(page)


async def test_pages_forwards_have_every_row_once(connection: Connection) -> None:
    everything, size = shown(await connection.page(first=100)), 2
    walked: list[str] = []
    page = await connection.page(first=size)
    while True:
        walked += shown(page)
        info = page["pageInfo"]
        assert info["hasPreviousPage"] is (len(walked) > size)
        if not info["hasNextPage"]:
            break
        assert len(page["edges"]) == size
        page = await connection.page(first=size, after=info["endCursor"])
    assert walked == everything


async def test_pages_backwards_have_every_row_once(connection: Connection) -> None:
    everything, size = shown(await connection.page(first=100)), 2
    walked: list[str] = []
    page = await connection.page(last=size)
    while True:
        walked = shown(page) + walked
        info = page["pageInfo"]
        assert info["hasNextPage"] is (len(walked) > size)
        if not info["hasPreviousPage"]:
            break
        assert len(page["edges"]) == size
        page = await connection.page(last=size, before=info["startCursor"])
    assert walked == everything


async def test_page_can_be_between_two_cursors(connection: Connection) -> None:
    page = await connection.page(first=100)
    cursors = [edge["cursor"] for edge in page["edges"]]
    between = await connection.page(first=100, after=cursors[0], before=cursors[-1])
    assert shown(between) == shown(page)[1:-1]
    last = await connection.page(last=1, after=cursors[0], before=cursors[-1])
    assert shown(last) == shown(page)[-2:-1]


async def test_page_beyond_end_is_empty(connection: Connection) -> None:
    end = (await connection.page(first=100))["pageInfo"]["endCursor"]
    page = await connection.page(first=1, after=end)
    assert page["edges"] == page["nodes"] == []
    assert page["totalCount"] >= ROWS
    assert page["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": True,
        "startCursor": None,
        "endCursor": None,
    }


BAD_SIZES = [{"first": 0}, {"first": -1}, {"first": 101}, {"last": 0}, {"last": 101}, {"first": 1, "last": 1}]


async def test_refuses_page_size_out_of_range(connection: Connection) -> None:
    for window in BAD_SIZES:
        assert (await connection.ask(**window)).codes == ["INVALID_LIMIT"], window


FORGED = ["", "x", "=", "AAAA", "a" * 5_000, "é", "b2Zmc2V0OjE", "2026-11-20"]


async def test_refuses_forged_cursor(connection: Connection) -> None:
    mine: str = (await connection.page(first=1))["pageInfo"]["endCursor"]
    for cursor in [*FORGED, mine[:-2], f"{mine}A", mine.swapcase(), f"?{mine[1:]}"]:
        assert (await connection.ask(after=cursor)).codes == ["INVALID_CURSOR"], cursor
    assert (await connection.ask(before=FORGED[1])).codes == ["INVALID_CURSOR"]


async def test_refuses_cursor_of_every_other_list(graphql: GraphQL, house: House) -> None:
    lists = [Connection(graphql, house, fields) for fields in CONNECTIONS.values()]
    cursors = [(await each.page(first=1))["pageInfo"]["endCursor"] for each in lists]
    for number, each in enumerate(lists):
        accepted = [place for place, cursor in enumerate(cursors) if not (await each.ask(after=cursor)).errors]
        assert accepted == [number]


# Parents


async def test_refuses_cursor_of_other_parent(graphql: GraphQL, house: House) -> None:
    cursor = (await Connection(graphql, house, CONNECTIONS["Movie.sessions"]).page(first=1))["pageInfo"]["endCursor"]
    document = "query ($id: ID!, $after: String) { movie(id: $id) { sessions(after: $after) { nodes { id } } } }"
    answer = await graphql(document, {"id": f"mov_{house.movies[1].id}", "after": cursor})
    assert answer.codes == ["INVALID_CURSOR"]
    # The movie itself may be null, so the fault ends there.
    assert answer.response.json()["data"] == {"movie": None}


async def test_refused_cursor_of_one_parent_does_not_affect_siblings(graphql: GraphQL, house: House) -> None:
    mine, other = (f"mov_{movie.id}" for movie in house.movies[:2])
    cursor = (await Connection(graphql, house, CONNECTIONS["Movie.sessions"]).page(first=1))["pageInfo"]["endCursor"]
    document = """query ($mine: ID!, $other: ID!, $after: String) {
        mine: movie(id: $mine) { sessions(after: $after, first: 1) { totalCount nodes { id } } }
        other: movie(id: $other) { sessions(after: $after, first: 1) { totalCount nodes { id } } }
    }"""
    body = (await graphql(document, {"mine": mine, "other": other, "after": cursor})).response.json()
    assert body["data"]["other"] is None
    assert len(body["data"]["mine"]["sessions"]["nodes"]) == 1
    assert [(error["path"], error["extensions"]["code"]) for error in body["errors"]] == [
        (["other", "sessions"], "INVALID_CURSOR")
    ]


@pytest.mark.parametrize("cursor", ["", "x"])
async def test_refuses_cursor_for_lists_of_several_parents(graphql: GraphQL, house: House, cursor: str) -> None:
    answer = await graphql(
        "query ($c: String) { movies { nodes { places(after: $c) { nodes { id } } } } }", {"c": cursor}
    )
    assert set(answer.codes) == {"INVALID_CURSOR"}
    assert house.movies


async def test_cursors_of_nested_pages_continue_their_lists(graphql: GraphQL, house: House) -> None:
    nested = "{ movies { nodes { id sessions(first: 1) { pageInfo { hasNextPage endCursor } nodes { id } } } } }"
    movies = (await graphql(nested)).data["movies"]["nodes"]
    (first,) = [movie for movie in movies if movie["sessions"]["pageInfo"]["hasNextPage"]]
    assert first["id"] == f"mov_{house.movies[0].id}"
    document = "query ($id: ID!, $after: String) { movie(id: $id) { sessions(after: $after) { nodes { id } } } }"
    after = first["sessions"]["pageInfo"]["endCursor"]
    rest = (await graphql(document, {"id": first["id"], "after": after})).data["movie"]["sessions"]["nodes"]
    assert len(rest) == ROWS - 1
    assert first["sessions"]["nodes"][0] not in rest


# Shared with /v1


@pytest.mark.parametrize("sort", ["rating", "new", "leaving_soon"])
async def test_cursors_of_movies_equal_those_of_rest(
    client: AsyncClient, graphql: GraphQL, house: House, sort: str
) -> None:
    connection = Connection(graphql, house, f"movies(sort: {sort.upper()}, {WINDOW})")
    await follow_each_other(client, connection, "/v1/movies", "movies", {"sort": sort})


async def test_cursors_of_places_of_movie_equal_those_of_rest(
    client: AsyncClient, graphql: GraphQL, house: House
) -> None:
    connection = Connection(graphql, house, CONNECTIONS["Movie.places"])
    path = f"/v1/movies/{ids.encode('mov', house.movies[0].id)}/places"
    await follow_each_other(client, connection, path, "places", {})


async def test_cursors_of_sessions_equal_those_of_rest(
    client: AsyncClient, graphql: GraphQL, house: House, database: Database
) -> None:
    movie, place = house.movies[0], house.places[0]
    await make_session(database, movie=movie, place=place, starts_at=soon(999))
    start, end = soon(1).isoformat(), soon(2000).isoformat()
    bounds = f'from: "{start}", to: "{end}"'
    for field in (
        f"movie(id: $movie) {{ sessions(placeId: $place, {bounds}, {WINDOW}) PAGE }}",
        f"place(id: $place) {{ sessions(movieId: $movie, {bounds}, {WINDOW}) PAGE }}",
    ):
        connection = Connection(graphql, house, field)
        path = f"/v1/movies/{ids.encode('mov', movie.id)}/places/{ids.encode('plc', place.id)}/sessions"
        await follow_each_other(client, connection, path, "sessions", {"from": start, "to": end})


async def test_cursors_of_bookings_equal_those_of_rest(client: AsyncClient, graphql: GraphQL, house: House) -> None:
    connection = Connection(graphql, house, CONNECTIONS["User.bookings"])
    await follow_each_other(client, connection, "/v1/bookings", "bookings", {})


async def follow_each_other(
    client: AsyncClient, connection: Connection, path: str, name: str, parameters: dict[str, str]
) -> None:
    """Take the first page at either door and the second at the other."""
    headers = bearer(connection.house.viewer)
    everything = shown(await connection.page(first=100))
    end = (await connection.page(first=1))["pageInfo"]["endCursor"]
    response = await client.get(path, params={**parameters, "limit": "100", "cursor": end}, headers=headers)
    assert [row["id"] for row in response.json()[name]] == everything[1:]
    response = await client.get(path, params={**parameters, "limit": "1"}, headers=headers)
    after = response.json()["metadata"]["end_cursor"]
    assert after == end
    assert shown(await connection.page(first=100, after=after)) == everything[1:] != []
