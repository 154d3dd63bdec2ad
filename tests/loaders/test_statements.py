"""Every list and every relation costs the same number of statements at one row and at twenty."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from config.settings import Settings
from config.variables import PlannerMode
from db.engine import Database
from db.models import User
from tests.support.factories import (
    make_booking,
    make_collection,
    make_movie,
    make_page_view,
    make_place,
    make_rating,
    make_seat_reservation,
    make_session,
    make_user,
    soon,
)
from tests.support.graphql_client import GraphQL
from tests.support.statements import Statements

MANY = 20


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked, how many statements that takes, and under which fields the rows are."""

    fields: str
    expected: int
    path: tuple[str, ...]


CASES: dict[str, Case] = {
    "movies": Case("movies(first: $n) { nodes { title } }", 1, ("movies", "nodes")),
    "movies, as edges and counted": Case(
        "movies(first: $n) { totalCount pageInfo { endCursor } edges { cursor node { title airingDates { from } } } }",
        2,
        ("movies", "edges"),
    ),
    "places": Case("places(first: $n) { totalCount edges { cursor node { name } } }", 2, ("places", "edges")),
    "page views": Case(
        # One of them asks whether the viewer is staff.
        "pageViews(first: $n) { totalCount nodes { path query { name } } }",
        3,
        ("pageViews", "nodes"),
    ),
    "page views and their users": Case(
        "pageViews(first: $n) { nodes { user { email bookings { totalCount nodes { status } } } } }",
        6,
        ("pageViews", "nodes"),
    ),
    "places of movies": Case("movies(first: $n) { nodes { places { nodes { name } } } }", 2, ("movies", "nodes")),
    "places of movies, counted": Case(
        "movies(first: $n) { nodes { places { totalCount edges { cursor node { name } } } } }",
        3,
        ("movies", "nodes"),
    ),
    "sessions of movies": Case(
        "movies(first: $n) { nodes { sessions { totalCount nodes { startsAt } } } }",
        3,
        ("movies", "nodes"),
    ),
    "last sessions of movies": Case(
        "movies(first: $n) { nodes { sessions(last: 2) { edges { cursor node { startsAt } } } } }",
        2,
        ("movies", "nodes"),
    ),
    "sessions of movies, all of each": Case(
        """movies(first: $n) { nodes { sessions { nodes {
            seatsAvailable movie { title } place { name }
        } } } }""",
        # The movies are not the ones of the list: these are read by their ids.
        5,
        ("movies", "nodes"),
    ),
    "ratings of the viewer": Case(
        "movies(first: $n) { nodes { viewerRating { value movie { title } } } }",
        3,
        ("movies", "nodes"),
    ),
    "movies of places": Case(
        "places(first: $n) { nodes { movies(sort: NEW) { totalCount nodes { title } } } }",
        3,
        ("places", "nodes"),
    ),
    "sessions of places": Case(
        "places(first: $n) { nodes { sessions { totalCount edges { cursor node { movie { title } } } } } }",
        4,
        ("places", "nodes"),
    ),
    "three levels": Case(
        "movies(first: $n) { nodes { places { nodes { sessions { nodes { seatsAvailable } } } } } }",
        4,
        ("movies", "nodes"),
    ),
    "two lists of each": Case(
        "movies(first: $n) { nodes { few: places(first: 1) { nodes { name } } many: places { nodes { name } } } }",
        3,
        ("movies", "nodes"),
    ),
    "bookings": Case(
        "viewer { bookings(first: $n) { totalCount edges { cursor node { status } } } }",
        3,
        ("viewer", "bookings", "edges"),
    ),
    "what bookings are for": Case(
        "viewer { bookings(first: $n) { nodes { session { startsAt seatsAvailable } movie { title } place { name } } } }",
        6,
        ("viewer", "bookings", "nodes"),
    ),
    "changes of bookings": Case(
        "viewer { bookings(first: $n) { nodes { reservations { seats } } } }",
        3,
        ("viewer", "bookings", "nodes"),
    ),
}


@dataclass(frozen=True, slots=True)
class House:
    """A programme in which everything is there twenty times, seen by a staff user."""

    viewer: User


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Those of a server without plans: what this is about are the statements of the executor's loaders."""
    return replace(settings, planner=PlannerMode(is_on=False))


@pytest.fixture
async def house(database: Database) -> House:
    """Movie 1 is in every place and place 1 has every movie; the viewer has rated and booked all of it."""
    viewer = await make_user(database, is_staff=True)
    movies = [await make_movie(database) for _ in range(MANY)]
    places = [await make_place(database) for _ in range(MANY)]
    shown = [(movie, places[0]) for movie in movies] + [(movies[0], place) for place in places[1:]]
    for hour, (movie, place) in enumerate(shown):
        session = await make_session(database, movie=movie, place=place, starts_at=soon(3 * hour + 24))
        booking = await make_booking(database, user=viewer, session=session, seats=2)
        await make_seat_reservation(database, booking=booking)
    for number, movie in enumerate(movies):
        await make_collection(database, user=viewer)
        # The movie that is shown everywhere comes first.
        await make_rating(database, user=viewer, movie=movie, value=5 - number / 10)
        user = await make_user(database)
        await make_page_view(database, user_id=user.id, query='[["a", "b"]]')
    return House(viewer)


def at(data: dict[str, Any], path: tuple[str, ...]) -> list[Any]:
    """Return the rows that a document is about."""
    found: Any = data
    for name in path:
        found = found[name]
    rows: list[Any] = found
    return rows


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_number_of_statements_does_not_grow_with_rows(
    graphql: GraphQL, statements: Statements, house: House, case: Case
) -> None:
    document = f"query ($n: Int!) {{ {case.fields} }}"
    spent = {}
    for size in (1, MANY):
        statements.clear()
        answer = await graphql(document, {"n": size}, by=house.viewer)
        assert len(at(answer.data, case.path)) == size
        spent[size] = len(statements)
    assert spent == {1: case.expected, MANY: case.expected}, statements


async def test_reads_nodes_of_one_kind_in_one_statement(
    graphql: GraphQL, database: Database, statements: Statements
) -> None:
    ids = [f"mov_{(await make_movie(database)).id}" for _ in range(MANY)]
    ids += [f"plc_{(await make_place(database)).id}" for _ in range(MANY)]
    statements.clear()
    answer = await graphql("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ids})
    assert [node["id"] for node in answer.data["nodes"]] == ids
    assert len(statements) == 2


async def test_counts_rows_only_when_total_count_is_selected(
    graphql: GraphQL, house: House, statements: Statements
) -> None:
    statements.clear()
    await graphql("{ movies { nodes { id places { nodes { id } } } } }", by=house.viewer)
    assert not [text for text in statements if "count(" in text]
