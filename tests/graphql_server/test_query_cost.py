"""The cost of an operation: pages multiply what is below them, whatever their size is given by."""

from typing import Any

import pytest
from graphql import get_introspection_query, parse

from graphql_server.executable_schema import SCHEMA
from graphql_server.query_cost import make_cost_formulas
from tests.graphql_server.test_document_limits import doubling

GRAPH = SCHEMA._schema  # noqa: SLF001 - there is no other way to it


def cost(text: str, variables: dict[str, Any] | None = None, *, name: str | None = None) -> int:
    return make_cost_formulas(GRAPH, parse(text))[name].compute(variables or {})


COSTS = {
    "{ __typename }": 1,
    # One for the request, one for each object: the page is one.
    '{ movie(id: "mov_1") { id title genres } }': 2,
    "{ movies { nodes { id } } }": 22,
    "{ movies { edges { cursor node { id } } } }": 22,
    "{ movies(first: 5) { nodes { id } pageInfo { hasNextPage } } }": 7,
    "{ movies(last: 5) { nodes { id } } }": 7,
    "{ movies(first: null) { nodes { id } } }": 22,
    "{ movies(first: 5) { totalCount } }": 3,
    "{ movies(first: 5) { edges { node { id } } nodes { id } } }": 12,
    # Refused when it is run, and never cheap.
    "{ movies(first: 1000) { nodes { id } } }": 102,
    "{ movies(first: -1) { nodes { id } } }": 102,
    "{ movies(first: 10) { nodes { places(first: 5) { nodes { sessions(first: 5) { nodes { id } } } } } } }": (
        1 + 1 + 10 * (1 + 1 + 5 * (1 + 1 + 5))
    ),
    "{ a: movies(first: 5) { nodes { id } } b: movies(first: 5) { nodes { id } } }": 13,
    "{ movies(first: 5) { ...P } } fragment P on MovieConnection { nodes { ...M } } fragment M on Movie { id }": 7,
    "{ movies(first: 5) { ... { nodes { ... on Movie { id } } } } }": 7,
    '{ nodes(ids: ["mov_1", "mov_2", "mov_3"]) { id } }': 4,
    '{ nodes(ids: ["mov_1", "mov_2"]) { ... on Movie { places(first: 5) { nodes { id } } } } }': 1 + 2 * 7,
    "{ providers { name } }": 11,
    'mutation { deleteMovie(input: {id: "mov_1"}) { deletedId errors { code } } }': 1 + 11 + 10,
    "mutation { a: requestMovieExport { export { id } } b: requestMovieExport { export { id } } }": 1 + 2 * 12,
}


@pytest.mark.parametrize(("text", "expected"), COSTS.items(), ids=COSTS)
def test_counts_the_objects_of_the_answer(text: str, expected: int) -> None:
    assert cost(text) == expected


PAGE = "query ($n: Int) { movies(first: $n) { nodes { id } } }"
DEFAULT = "query ($n: Int = 5) { movies(first: $n) { nodes { id } } }"
EITHER = "query ($n: Int, $m: Int) { movies(first: $n, last: $m) { nodes { id } } }"
NESTED = "query ($n: Int = 3) { movies(first: $n) { nodes { places(first: $n) { nodes { id } } } } }"
SPREAD = (
    "query ($n: Int!) { ...Q a: movies { nodes { id } } } fragment Q on Query { movies(first: $n) { nodes { id } } }"
)
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
VARIED = [
    (PAGE, {}, 22),
    (PAGE, {"n": None}, 22),
    (PAGE, {"n": 7}, 9),
    (PAGE, {"n": 10**30}, 102),
    (PAGE, {"n": -1}, 102),
    (PAGE, {"n": "7"}, 102),
    (PAGE, {"n": 1e308}, 102),
    (DEFAULT, {}, 7),
    (DEFAULT, {"n": None}, 22),
    (DEFAULT, {"n": 1}, 3),
    (EITHER, {"m": 2}, 4),
    (EITHER, {"n": 3, "m": 2}, 5),
    (NESTED, {}, 1 + 1 + 3 * (1 + 1 + 3)),
    (NESTED, {"n": 10}, 1 + 1 + 10 * (1 + 1 + 10)),
    (SPREAD, {"n": 4}, 1 + 5 + 21),
    (NODES, {"ids": ["mov_1"] * 30}, 31),
    (NODES, {"ids": "mov_1"}, 2),
    (NODES, {}, 1),
]


@pytest.mark.parametrize(("text", "variables", "expected"), VARIED)
def test_sizes_may_be_given_by_variables(text: str, variables: dict[str, Any], expected: int) -> None:
    assert cost(text, variables) == expected


def test_each_operation_has_a_cost_of_its_own() -> None:
    text = "query A { movies(first: 1) { nodes { id } } } query B { movies(first: 2) { nodes { id } } }"
    assert [cost(text, name=name) for name in "AB"] == [3, 4]


@pytest.mark.parametrize("page", ["movies", "movies(first: $n)"])
def test_fragments_that_double_are_worked_out_once_each(page: str) -> None:
    # 2^90 lists: would each spread be followed, this test would never end.
    text = "query ($n: Int)" + doubling(90, "NEXT NEXT", f"{page} {{ nodes {{ id }} }}")
    assert cost(text) == 1 + 2**90 * 21


def test_a_plan_without_variables_is_one_number() -> None:
    (plan,) = make_cost_formulas(GRAPH, parse("{ movies { nodes { places { nodes { id } } } } }")).values()
    assert [row.terms for row in plan.rows] == [()]


def test_introspection_costs_what_a_large_list_does() -> None:
    assert 500 < cost(get_introspection_query(), name="IntrospectionQuery") < 5_000


def test_introspection_in_circles_is_dear() -> None:
    circle = "fields { type { " * 4 + "name" + "} }" * 4
    assert cost("{ __schema { types { " + circle + " } } }") > 50_000
