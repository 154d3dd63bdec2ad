"""A release tells beforehand what it does to the clients of the one before."""

import pytest
from graphql import GraphQLError

from graphql_server.breaking_changes import list_changes

OLD = """
    type Query { movie(id: ID!): Movie }
    type Movie { title: String! year: Int duration: Int }
    enum Sort { RATING NEW }
"""


def test_the_same_contract_changes_nothing() -> None:
    assert list_changes(OLD, OLD) == []


def test_what_only_adds_is_no_change_for_clients() -> None:
    assert list_changes(OLD, OLD.replace("duration: Int", "duration: Int rating: Float")) == []


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("duration: Int", "", "Movie.duration was removed"),
        ("title: String!", "title: String", "Movie.title changed type"),
        ("movie(id: ID!)", "movie(id: ID!, at: String!)", "Query.movie(at:) was added"),
    ],
)
def test_what_fails_a_clients_query_is_breaking(was: str, becomes: str, said: str) -> None:
    (change,) = list_changes(OLD, OLD.replace(was, becomes))

    assert change.breaking
    assert said in str(change)
    assert str(change).startswith("breaking: ")


def test_a_new_value_of_an_enum_may_surprise() -> None:
    (change,) = list_changes(OLD, OLD.replace("RATING NEW", "RATING NEW TITLE"))

    assert not change.breaking
    assert str(change).startswith("dangerous: ")


def test_breaking_changes_come_first() -> None:
    new = OLD.replace("RATING NEW", "RATING NEW TITLE").replace("duration: Int", "")

    assert [change.breaking for change in list_changes(OLD, new)] == [True, False]


@pytest.mark.parametrize(
    "sdl", ["", "type Query {", "type Query { a: Nothing }", "type Query { a: Int } type Query { b: Int }"]
)
def test_what_is_no_sdl_is_refused(sdl: str) -> None:
    with pytest.raises(GraphQLError):
        list_changes(sdl, OLD)
