"""Variables and arguments mean to a plan what they mean to the executor, whichever of them are given."""

from typing import Any, Final

import pytest
from graphql import OperationDefinitionNode, parse

from graphql_server.executable_schema import GRAPHQL
from graphql_server.planner.arguments import Placeholder, make_template, plan_variables, read_variables
from tests.graphql_server.planner.both import Both
from tests.graphql_server.planner.house import House

DOCUMENT: Final = """
    query ($id: ID!, $ids: [ID!]!, $sort: MovieSort! = NEW, $first: Int = 2, $search: String, $genres: [String!], $genre: String!) {
        node(id: $id) { id ... on Movie { title } }
        nodes(ids: $ids) { id }
        movies(first: $first, sort: $sort, filter: {search: $search, genres: $genres}) { nodes { id } }
        some: movies(filter: {genres: [$genre, "Drama"], search: $search}) { nodes { id } }
    }
"""
# What is sent beside an id, ids and a genre; an entry that is ... is left out.
VARIABLES: Final[list[dict[str, Any]]] = [
    {},
    {"first": 1},
    {"first": None, "search": None, "genres": None},
    {"first": 0},
    {"first": "1"},
    {"first": 1.0},
    {"first": 1.5},
    {"first": True},
    {"first": 2**31},
    {"search": "la"},
    {"search": "a\0b"},
    {"search": 1},
    {"search": ["la"]},
    {"genres": []},
    {"genres": "Drama"},
    {"genres": ["Drama", None]},
    {"genres": [["Drama"]]},
    {"genres": {"0": "Drama"}},
    {"sort": "RATING"},
    {"sort": "rating"},
    {"sort": None},
    {"id": 1},
    {"id": None},
    {"id": ...},
    {"ids": ...},
    {"ids": "nothing"},
    {"ids": [None]},
    {"genre": None},
    {"genre": {}},
    {"unknown": 1},
]


@pytest.mark.parametrize("variables", VARIABLES, ids=repr)
async def test_reads_variables_as_the_executor_does(ask: Both, house: House, variables: dict[str, Any]) -> None:
    given = {"id": house.movies[0], "ids": [house.movies[1], house.movies[0]], "genre": "Comedy"} | variables
    sent = {name: value for name, value in given.items() if value is not ...}
    # The second request finds the template of the first one.
    for _ in range(2):
        await ask.ask(DOCUMENT, sent)


def test_leaves_values_that_are_not_plain_to_graphql_core() -> None:
    (operation,) = parse("query ($first: Int!, $name: String) { movies(first: $first) { nodes { id } } }").definitions
    assert isinstance(operation, OperationDefinitionNode)
    plain = plan_variables(GRAPHQL, operation)
    assert plain is not None
    read = read_variables(plain, {"first": 2, "more": 3})
    assert read is not None
    assert read.coerced == {"first": 2}
    assert read_variables(plain, {}) is None
    assert read_variables(plain, {"first": "2"}) is None
    (other,) = parse("query ($filter: MovieFilter) { movies(filter: $filter) { nodes { id } } }").definitions
    assert isinstance(other, OperationDefinitionNode)
    assert plan_variables(GRAPHQL, other) is None


def test_makes_a_template_of_arguments_by_graphql_core_itself() -> None:
    document: Any = parse("query ($s: String, $n: Int) { movies(first: $n, filter: {search: $s}) { nodes { id } } }")
    node = document.definitions[0].selection_set.selections[0]
    declared = GRAPHQL.type_map["Query"].fields["movies"]  # type: ignore[attr-defined]  # it is a type of objects
    template = make_template(declared, node, (("s", False),))
    assert template is not None
    assert template["filter"]["search"] == Placeholder("s")
    assert "first" not in template
    without = make_template(declared, node, (("s", True), ("n", False)))
    assert without is not None
    assert without["filter"]["search"] is None
    assert without["first"] == Placeholder("n")
