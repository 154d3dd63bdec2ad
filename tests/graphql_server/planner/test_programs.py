"""Statements are written once for each shape of the variables, and bounded in memory."""

from typing import Any

from db.engine import Database
from db.pipeline import Statement
from graphql_server.planner.programs import PROGRAMS, Program, Programs, measure_program
from tests.support.factories import make_movie, make_place
from tests.support.graphql_client import GraphQL

DOCUMENT = """query ($first: Int, $place: ID, $search: String, $after: String) {
    movies(first: $first, after: $after, filter: {placeId: $place, search: $search}) { nodes { id } pageInfo { endCursor } }
}"""


def program(text: str) -> Program:
    return Program(Statement(text.encode()), (), newest=False)


def test_forgets_what_was_not_asked_for_longest() -> None:
    programs = Programs(room=3 * measure_program(program("x" * 10)))
    for key in ("a", "b", "c"):
        programs.find(key, lambda: program("x" * 10))
    kept = programs.find("a", lambda: program("another"))
    programs.find("d", lambda: program("y" * 10))
    assert len(programs) == 3
    assert programs.find("a", lambda: program("another")) is kept
    assert programs.find("b", lambda: program("z" * 10)).statement.sql == b"z" * 10


def test_does_not_keep_what_is_larger_than_all_the_room() -> None:
    programs = Programs(room=100)
    programs.find("a", lambda: program("x" * 1_000))
    assert len(programs) == 0


async def test_writes_one_statement_for_all_values_of_one_shape(graphql: GraphQL, database: Database) -> None:
    for _ in range(3):
        await make_movie(database)
    places = [await make_place(database) for _ in range(2)]
    page = (await graphql(DOCUMENT, {"first": 1})).data["movies"]
    before = len(PROGRAMS)
    shapes: list[dict[str, Any]] = [
        {"first": 2},
        {"first": 1, "after": page["pageInfo"]["endCursor"]},
        {"place": f"plc_{places[0].id}"},
        {"search": "movie"},
    ]
    for variables in shapes:
        await graphql(DOCUMENT, variables)
    assert len(PROGRAMS) == before + len(shapes)
    others: list[dict[str, Any]] = [{"place": f"plc_{places[1].id}"}, {"search": "place"}, {"search": ""}]
    for variables in [{"first": 1}, *others, *shapes]:
        await graphql(DOCUMENT, variables)
    # A search for nothing is no search: the page size alone is a shape that was not there.
    assert len(PROGRAMS) == before + len(shapes) + 1
