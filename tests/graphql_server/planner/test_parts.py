"""The parts of the programme that a plan reads, which decide how long its answer may be kept."""

from typing import Final

import pytest
from graphql import parse

from db.cursors import CursorCodec
from db.programme_changes import ProgrammePart
from graphql_server.executable_schema import SCHEMA
from graphql_server.planner.binding import Request
from graphql_server.planner.operations import Caller, make_planned_query

MOVIE: Final = '"mov_1"'
CASES: Final[dict[str, set[ProgrammePart]]] = {
    "{ movies(sort: NEW) { nodes { title } } }": {"movies"},
    # It is in the order of ratings.
    "{ movies { nodes { title } } }": {"movies", "ratings"},
    "{ movies(sort: NEW) { nodes { ratingCount } } }": {"movies", "ratings"},
    "{ movies(sort: NEW) { totalCount pageInfo { endCursor } } }": {"movies"},
    '{ movies(sort: NEW, filter: {search: "ran", genre: "Drama"}) { nodes { id } } }': {"movies"},
    f"{{ movie(id: {MOVIE}) {{ title poster }} }}": {"movies"},
    f"{{ node(id: {MOVIE}) {{ ... on Movie {{ title }} }} }}": {"movies"},
    "{ places { nodes { name } } }": {"places"},
    "{ sessions { nodes { startsAt movie { title } place { name } } } }": {"sessions", "movies", "places"},
    f"{{ movie(id: {MOVIE}) {{ sessions {{ nodes {{ capacity }} }} }} }}": {"movies", "sessions"},
    # Airings that have ended are left out.
    f"{{ movie(id: {MOVIE}) {{ places {{ nodes {{ id }} }} }} }}": {"movies", "places", "airings", "clock"},
    "{ places { nodes { movies(sort: NEW) { nodes { id } } } } }": {"movies", "places", "airings", "clock"},
    # Anything of these is never kept.
    "{ sessions { nodes { seatsAvailable } } }": set(),
    "{ movies(sort: NEW) { nodes { title viewerRating { value } } } }": {"movies"},
    "{ events { nodes { name } } }": set(),
    "{ viewer { email } }": set(),
    '{ node(id: "usr_1") { id } }': set(),
    "{ __typename }": set(),
}


@pytest.mark.parametrize("document", CASES)
def test_names_parts_that_decide_about_the_answer(document: str) -> None:
    operation = make_planned_query(SCHEMA.graphql, parse(document), None)
    assert operation is not None
    caller = Caller(None, "https://cinema.test", may_lag=False)
    run = operation.find_run({}, Request(None, CursorCodec((b"key",)), 100), caller)
    assert run.program.parts == CASES[document]
