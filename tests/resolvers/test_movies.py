"""Movies through GraphQL: what is shown of one, sorts, filters, search, and what staff do to them."""

from datetime import datetime
from typing import Any

import pytest

from db.engine import Database
from db.models import User
from domain import instants
from tests.support.documents import MOVIE, barred, done, refused
from tests.support.factories import make_booking, make_movie, make_place, make_rating, make_session, make_user, soon
from tests.support.graphql_client import GraphQL

LIST = """query ($sort: MovieSort! = RATING, $filter: MovieFilter) {
    movies(sort: $sort, filter: $filter) { totalCount nodes { title } }
}"""
FACTS: dict[str, Any] = {
    "title": "La Jetée",
    "description": "A man is sent back.",
    "poster": "/posters/la-jetee.svg",
    "duration": 28,
    "genres": ["Sci-Fi", "Short"],
}
CHANGES = ["createMovie", "updateMovie", "deleteMovie"]


@pytest.fixture
async def staff(database: Database) -> User:
    """Who may change movies."""
    return await make_user(database, is_staff=True)


async def titles(graphql: GraphQL, *, sort: str = "RATING", **given: Any) -> list[str]:
    """Return the titles in a list, whose number is also its count."""
    found = (await graphql(LIST, {"sort": sort, "filter": given or None})).data["movies"]
    assert found["totalCount"] == len(found["nodes"])
    return [node["title"] for node in found["nodes"]]


async def test_movie_has_airing_dates_and_rating(database: Database, graphql: GraphQL) -> None:
    movie = await make_movie(database, **FACTS)
    first, last = soon(24), soon(48)
    for start in (last, first):
        await make_session(database, movie=movie, starts_at=start)
    for value in (4.0, 4.5):
        await make_rating(database, movie=movie, value=value)
    found = (
        await graphql(f"query ($id: ID!) {{ {MOVIE.replace('movie', 'movie(id: $id)')} }}", {"id": f"mov_{movie.id}"})
    ).data
    assert found["movie"] == FACTS | {
        "id": f"mov_{movie.id}",
        "poster": "https://cinema.test/posters/la-jetee.svg",
        "airingDates": {"from": instants.spell(first), "to": instants.spell(last)},
        "rating": 4.25,
        "ratingCount": 2,
    }


async def test_movie_without_sessions_has_no_airing_dates(database: Database, graphql: GraphQL) -> None:
    movie = await make_movie(database, poster="https://images.example.org/1.jpg")
    document = "query ($id: ID!) { movie(id: $id) { poster airingDates { from to } } }"
    assert (await graphql(document, {"id": f"mov_{movie.id}"})).data == {
        "movie": {"poster": "https://images.example.org/1.jpg", "airingDates": None}
    }


async def test_missing_movie_is_null(graphql: GraphQL) -> None:
    assert (await graphql('{ movie(id: "mov_1") { id } }')).data == {"movie": None}


# Lists


async def test_movies_are_listed_in_each_order(database: Database, graphql: GraphQL) -> None:
    best, second, unrated = [await make_movie(database, title=title) for title in ("Best", "Second", "Unrated")]
    await make_rating(database, movie=best, value=5.0)
    await make_rating(database, movie=second, value=0.0)
    for movie, start in ((second, soon(24)), (second, soon(99)), (unrated, soon(48))):
        await make_session(database, movie=movie, starts_at=start)
    assert await titles(graphql) == ["Best", "Second", "Unrated"]
    assert await titles(graphql, sort="NEW") == ["Unrated", "Second", "Best"]
    assert await titles(graphql, sort="LEAVING_SOON") == ["Unrated", "Second", "Best"]


async def test_unknown_sort_makes_document_invalid(graphql: GraphQL) -> None:
    answer = await graphql("{ movies(sort: TITLE) { totalCount } }")
    assert answer.codes == ["INVALID_INPUT"]


SEARCHES = [
    "amelie",
    "AMÉLIE",
    "Ame\u0301lie",
    "poulain",
    "ameli",
    "ameliee",
    "amlie",
    "fabuleux amelie",
    "  amelie!  ",
]


@pytest.mark.parametrize("search", SEARCHES)
async def test_search_finds_movies_despite_accents_and_typing_errors(
    database: Database, graphql: GraphQL, search: str
) -> None:
    await make_movie(database, title="Le Fabuleux Destin d'Amélie Poulain")
    await make_movie(database, title="Alphaville")
    assert await titles(graphql, search=search) == ["Le Fabuleux Destin d'Amélie Poulain"]


async def test_blank_search_finds_all_movies(database: Database, graphql: GraphQL) -> None:
    await make_movie(database, title="Alphaville?")
    for search in ("", "  ", "?", None):
        assert await titles(graphql, search=search) == ["Alphaville?"]
    for search in ("xyzzy", "%", "_", "\\", "!?", "alphaville xyzzy"):
        assert await titles(graphql, search=search) == []


async def test_filters_of_movies_are_combined(database: Database, graphql: GraphQL) -> None:
    here, there = await make_place(database), await make_place(database)
    starts: list[tuple[str, Any, datetime]] = [
        ("Early here", here, soon(24)),
        ("Late here", here, soon(72)),
        ("Late there", there, soon(72)),
    ]
    for title, place, start in starts:
        movie = await make_movie(database, title=title, genres=["Noir", "Late" if "Late" in title else "Early"])
        await make_session(database, movie=movie, place=place, starts_at=start)
    await make_movie(database, title="Never", genres=["Noir"])
    place_id, late = f"plc_{here.id}", instants.spell(soon(72))

    async def found(**given: Any) -> set[str]:
        return set(await titles(graphql, **given))

    assert await found(genre="Noir") == {"Early here", "Late here", "Late there", "Never"}
    assert await found(genre="Late") == {"Late here", "Late there"}
    assert await found(placeId=place_id) == {"Early here", "Late here"}
    assert await found(airingFrom=late) == {"Late here", "Late there"}
    assert await found(airingFrom=late, placeId=place_id) == {"Late here"}
    assert await found(airingFrom=late, placeId=place_id, genre="Early") == set()
    assert await found(search="here", genre="Early") == {"Early here"}
    assert await found(airingFrom=instants.spell(soon(73))) == set()
    assert await found(placeId="plc_1") == set()


async def test_refuses_movies_filtered_by_malformed_id(graphql: GraphQL) -> None:
    answer = await graphql(LIST, {"filter": {"placeId": "mov_1"}})
    assert answer.codes == ["INVALID_ID"]
    assert answer.errors[0]["path"] == ["movies"]


async def test_places_of_movie_are_those_that_still_show_it_by_name(database: Database, graphql: GraphQL) -> None:
    movie = await make_movie(database, duration=120)
    zoo, abc, over = [await make_place(database, name=name) for name in ("Zoo", "abc", "Over")]
    await make_place(database)
    # One that runs at this moment is still shown.
    for place, start in ((zoo, soon(24)), (zoo, soon(48)), (abc, soon(-1)), (over, soon(-3))):
        await make_session(database, movie=movie, place=place, starts_at=start)
    document = "query ($id: ID!) { movie(id: $id) { places { totalCount nodes { name } } } }"
    found = (await graphql(document, {"id": f"mov_{movie.id}"})).data["movie"]["places"]
    assert found == {"totalCount": 2, "nodes": [{"name": "abc"}, {"name": "Zoo"}]}


# Staff


async def test_creates_movie(graphql: GraphQL, staff: User) -> None:
    movie = (await done(graphql, "createMovie", by=staff, **FACTS))["movie"]
    assert movie.pop("id").startswith("mov_")
    assert movie == FACTS | {
        "poster": "https://cinema.test/posters/la-jetee.svg",
        "rating": None,
        "ratingCount": 0,
        "airingDates": None,
    }


async def test_creates_movie_without_genres(graphql: GraphQL, staff: User) -> None:
    facts = {name: value for name, value in FACTS.items() if name != "genres"}
    assert (await done(graphql, "createMovie", by=staff, **facts))["movie"]["genres"] == []


@pytest.mark.parametrize("field", ["title", "description", "duration", "genres"])
async def test_update_changes_given_values_of_movie_only(
    database: Database, graphql: GraphQL, staff: User, field: str
) -> None:
    movie = await make_movie(database)
    before = {"title": movie.title, "description": movie.description, "duration": 120, "genres": ["Drama"]}
    after = (await done(graphql, "updateMovie", by=staff, id=f"mov_{movie.id}", **{field: FACTS[field]}))["movie"]
    assert {name: after[name] for name in before} == before | {field: FACTS[field]}


async def test_deletes_movie(database: Database, graphql: GraphQL, staff: User) -> None:
    movie_id = f"mov_{(await make_movie(database)).id}"
    assert await done(graphql, "deleteMovie", by=staff, id=movie_id) == {"deletedId": movie_id}
    assert await refused(graphql, "deleteMovie", by=staff, id=movie_id) == [
        ("NotFound", "MOVIE_NOT_FOUND", ["input", "id"])
    ]
    assert (await graphql(f'{{ node(id: "{movie_id}") {{ id }} }}')).data == {"node": None}


UNFIT: dict[str, list[Any]] = {
    "title": ["", " ", "x" * 201],
    "description": ["", "x" * 5001],
    "poster": ["", "javascript:alert(1)", "//elsewhere.example.org/1.jpg"],
    "duration": [0, -1, 1441],
    "genres": [["x" * 51], [""], ["a"] * 11],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in UNFIT.items() for value in values])
async def test_refuses_invalid_values_of_movie(
    database: Database, graphql: GraphQL, staff: User, field: str, value: object
) -> None:
    fault = ("InvalidInput", "INVALID_INPUT", ["input", field])
    movie = await make_movie(database)
    assert set(map(str, await refused(graphql, "createMovie", by=staff, **FACTS | {field: value}))) == {str(fault)}
    refusal = await refused(graphql, "updateMovie", by=staff, id=f"mov_{movie.id}", **{field: value})
    assert set(map(str, refusal)) == {str(fault)}


async def test_refuses_all_faults_of_movie_at_once(graphql: GraphQL, staff: User) -> None:
    facts = FACTS | {"title": "", "duration": 0, "poster": "ftp://x"}
    refusal = await refused(graphql, "createMovie", by=staff, **facts)
    assert [path for _, _, path in refusal] == [["input", "title"], ["input", "poster"], ["input", "duration"]]
    refusal = await refused(graphql, "updateMovie", by=staff, id="x", duration=0)
    assert [(code, path) for _, code, path in refusal] == [
        ("INVALID_ID", ["input", "id"]),
        ("INVALID_INPUT", ["input", "duration"]),
    ]


async def test_refuses_update_and_delete_of_missing_movie(graphql: GraphQL, staff: User) -> None:
    for mutation in ("updateMovie", "deleteMovie"):
        assert await refused(graphql, mutation, by=staff, id="mov_1") == [
            ("NotFound", "MOVIE_NOT_FOUND", ["input", "id"])
        ]
        refusal = await refused(graphql, mutation, by=staff, id="plc_1")
        assert refusal == [("InvalidInput", "INVALID_ID", ["input", "id"])]


async def test_refuses_delete_of_booked_movie(database: Database, graphql: GraphQL, staff: User) -> None:
    booking = await make_booking(database)
    movie_id = await database.primary.value("SELECT movie_id FROM sessions WHERE id = %(id)s", id=booking.session_id)
    refusal = await refused(graphql, "deleteMovie", by=staff, id=f"mov_{movie_id}")
    assert refusal == [("Conflict", "STILL_IN_USE", [])]


async def test_refuses_duration_that_makes_sessions_overlap(database: Database, graphql: GraphQL, staff: User) -> None:
    movie, place = await make_movie(database, duration=60), await make_place(database)
    await make_session(database, movie=movie, place=place, starts_at=soon(24))
    await make_session(database, place=place, starts_at=soon(26))
    refusal = await refused(graphql, "updateMovie", by=staff, id=f"mov_{movie.id}", duration=121)
    assert refusal == [("Conflict", "SESSION_OVERLAPS", ["input", "duration"])]


@pytest.mark.parametrize("mutation", CHANGES)
async def test_only_staff_may_change_movies(database: Database, graphql: GraphQL, mutation: str) -> None:
    user, movie = await make_user(database), await make_movie(database)
    given = FACTS if mutation == "createMovie" else {"id": f"mov_{movie.id}"}
    assert await barred(graphql, mutation, **given) == "UNAUTHENTICATED"
    assert await barred(graphql, mutation, by=user, **given) == "FORBIDDEN"
    assert await titles(graphql) == [movie.title]
